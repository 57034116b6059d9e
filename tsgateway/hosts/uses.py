"""What an image is used by: read from the data directory, whether or not the gateway runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sessions.guests.qemu.personal import kept_disks
from sessions.guests.qemu.warm.store import WarmStore
from sessions.images import ImageError, ImageStore
from tsgateway.config import Config
from tsgateway.layout import Layout

_MAX_FILE = 1024 * 1024
NAMED_USES = 8
"""So many of those that use an image are named."""


class ImageInUse(ImageError):
    """Something is made from it; the text names what."""


@dataclass
class Uses:
    """Of one image. Each list has words for people: "session 1f0e… of ada" and the like."""

    desktops: list[str] = field(default_factory=list)
    guests: list[str] = field(default_factory=list)
    disks: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many guests and disks lie on it."""
        return len(self.guests) + len(self.disks)

    @property
    def all(self) -> list[str]:
        """Everything that stands in the way of its removal."""
        return [*self.desktops, *self.guests, *self.disks]


def uses_of_images(config: Config, layout: Layout) -> dict[str, Uses]:
    """Return the uses of every image that has any."""
    found: dict[str, Uses] = {}
    for name, desktop in config.desktops.items():
        template = (desktop.model_extra or {}).get("template")
        if isinstance(template, str):
            found.setdefault(template, Uses()).desktops.append(f"the configured desktop {name}")
    for image, words in _guests(layout):
        found.setdefault(image, Uses()).guests.append(words)
    for disk in kept_disks(layout.disks):
        if disk.image:
            found.setdefault(disk.image, Uses()).disks.append(f"the disk of {disk.user} for {disk.desktop}")
    return found


def check_unused(config: Config, layout: Layout, name: str) -> None:
    """See that nothing is made from an image. Raises ImageInUse."""
    used = uses_of_images(config, layout).get(name, Uses()).all
    if used:
        more = f" and {len(used) - NAMED_USES} more" if len(used) > NAMED_USES else ""
        listed = ", ".join(used[:NAMED_USES])
        raise ImageInUse(f"The image {name!r} is in use by {listed}{more}: it stays")


def remove_image(config: Config, layout: Layout, name: str) -> None:
    """Remove an image and its warm templates. Raises ImageInUse, ImageError, OSError."""
    ImageStore(layout.images).remove(name, lambda: check_unused(config, layout, name))
    warm = WarmStore(layout.warm)
    for template in warm.list():
        if template.image == name:
            warm.remove(template.key)


def _guests(layout: Layout) -> Iterator[tuple[str, str]]:
    """Yield image and words for every guest that runs, starts or ends, or is left to be taken up."""
    for number in layout.hosts():
        state = layout.host(number) / "guests"
        for path in sorted(state.glob("*/session.json")):
            table = _read(path)
            words = f"session {str(table.get('session', ''))[:8]} of {table.get('user', 'somebody')}"
            yield _template(table), words
        for path in sorted(state.glob("*/spare.json")):
            if not path.with_name("session.json").exists():
                table = _read(path)
                yield _template(table), f"a guest of {table.get('desktop', 'a desktop')} that stands ready"
        for path in sorted(state.glob("houses/**/guest.json")):
            yield str(_read(path).get("image", "")), "a machine that people share"


def _template(table: dict[str, Any]) -> str:
    spec = table.get("spec")
    return str(spec.get("template", "")) if isinstance(spec, dict) else ""


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            table = json.loads(file.read(_MAX_FILE))
    except (OSError, ValueError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}
