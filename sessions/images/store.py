"""The folder that holds the images, one subfolder each.

    NAME/image.json     what it is and how it boots (`Image`)
    NAME/disk.qcow2     its disk, where it has one
    NAME/vmlinux        the kernel and the first file system, where it boots without firmware
    NAME/initrd
    NAME.partial-…/     one that is being written; swept when its writer is gone

An image is written whole into a partial folder and then renamed, so a reader sees all of it or none. Its
files are never changed afterwards, only replaced: guests link to them.
"""

from __future__ import annotations

import contextlib
import errno
import json
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from sessions.images.errors import BuildFailed, DiskFull, ImageBroken, ImageError, ImageMissing
from sessions.images.shelf import PARTIAL, Shelf

Kind = Literal["desktop", "tiny", "disk"]
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
DESCRIPTION = "image.json"
DESCRIPTION_LIMIT = 64 * 1024  # bytes


@dataclass(frozen=True)
class Image:
    """One image. The paths are inside its folder; a disk is always qcow2 without a backing file.

    kernel, initrd, append: direct kernel boot; without a kernel the disk boots by `firmware`.
    memory_mb: what a guest needs at least to be pleasant. user: who is signed in on its screen.
    version: changes whenever the content may have; overlays of one version do not fit another.
    recipe: hash of what it was made from, to see whether it is up to date; "" for an imported one.
    text_port: name of the virtio port that takes text to type (images/README.md), "" without one.
    """

    name: str
    folder: Path
    kind: Kind
    version: str
    memory_mb: int
    disk: Path | None = None
    kernel: Path | None = None
    initrd: Path | None = None
    append: str = ""
    firmware: Literal["none", "bios", "uefi"] = "none"
    user: str = ""
    recipe: str = ""
    text_port: str = ""

    @property
    def size(self) -> int:
        """Bytes its files take on the host's disk."""
        return sum(path.stat().st_blocks * 512 for path in self.folder.iterdir())


class ImageStore:
    """The images below one folder, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._shelf = Shelf(folder)

    def get(self, name: str) -> Image:
        """The image of that name. Raises ImageMissing or ImageBroken."""
        if not NAME.fullmatch(name):
            raise ImageMissing(f"{name!r} cannot be an image's name: use a-z, 0-9, dot, dash, underscore")
        folder = self.folder / name
        if not folder.is_dir():
            raise ImageMissing(f"There is no image {name!r} in {self.folder}: {_how_to_get(name)}")
        return read(folder)

    def made_from(self, name: str, recipe: str) -> Image | None:
        """The image if it was made from this recipe; None when it is another, missing or broken."""
        try:
            present = self.get(name)
        except ImageError:
            return None
        return present if present.recipe == recipe else None

    def list(self) -> list[Image | ImageBroken]:
        """All images by name; one that cannot be read stands there as its error."""
        images: list[Image | ImageBroken] = []
        for name in filter(NAME.fullmatch, self._shelf.names()):
            try:
                images.append(read(self.folder / name))
            except ImageBroken as error:
                images.append(error)
        return images

    def steady(self) -> contextlib.AbstractContextManager[None]:
        """While the block runs, no image is replaced: its files are those of one version. May wait."""
        return self._shelf.steady()

    def remove(self, name: str, check: Callable[[], None] = lambda: None) -> None:
        """Remove an image, a broken one too. Raises ImageMissing, ImageError, and what `check` raises.

        check: called while nobody can begin to use the image, to say no by raising.
        """
        folder = self.folder / name
        if not NAME.fullmatch(name) or PARTIAL in name or not folder.is_dir():
            raise ImageMissing(f"There is no image {name!r} in {self.folder}")
        try:
            self._shelf.remove(name, check)
        except OSError as error:
            where = error.filename or folder
            raise ImageError(f"The image {name!r} cannot be removed: {where}: {error.strerror}") from error

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A new folder to fill and `describe`; renamed to the image when the block ends well.

        An image of that name is replaced then; guests that run have their own links to its files
        (sessions/guests/qemu/disk.py). When the block raises, nothing stays behind.
        Raises BuildFailed for a name that cannot be, DiskFull.
        """
        if not NAME.fullmatch(name) or PARTIAL in name:
            raise BuildFailed(f"{name!r} cannot be an image's name: use a-z, 0-9, dot, dash, underscore")
        with writes_to(self.folder), self._shelf.writing(name) as partial:
            yield partial
            read(partial, name)


def version_of(recipe: str) -> str:
    """A new version of what is made from a recipe: packages change while the recipe does not."""
    return f"{recipe}-{secrets.token_hex(4)}"


def describe(folder: Path, image: Image) -> None:
    """Write the image's description into the folder that `ImageStore.writing` gave."""
    fields = asdict(image)
    for key, value in fields.items():
        if isinstance(value, Path):
            fields[key] = value.name
    del fields["folder"], fields["name"]
    (folder / DESCRIPTION).write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")


@contextlib.contextmanager
def writes_to(folder: Path) -> Iterator[None]:
    """Turn the system's errors while files are made there into sentences. Raises DiskFull, BuildFailed."""
    try:
        yield
    except OSError as error:
        if error.errno in (28, 122, 27):  # ENOSPC, EDQUOT, EFBIG
            raise disk_full(folder) from error
        where = error.filename or folder
        raise BuildFailed(f"The image cannot be made: {where}: {error.strerror or error}") from error


def disk_full(folder: Path) -> DiskFull:
    """The error for a folder without room, saying how much there is."""
    try:
        free = f"{shutil.disk_usage(folder).free / 1e6:.0f} MB are free"
    except OSError:
        free = "it cannot be read"
    return DiskFull(
        f"No room left in {folder} ({free}). Make room, or choose another folder: "
        "[data] images in the configuration, --cache for what is kept of a build"
    )


def _how_to_get(name: str) -> str:
    if name in ("desktop", "tiny"):
        return f"make it with 'tsgateway image build {name}'"
    return f"'tsadmin image list' shows what is there, 'tsgateway image import FILE --name {name}' adds one"


def described(folder: Path, name: str) -> Image:
    """Return the image that a folder's description tells of. Raises OSError, ValueError."""
    path = folder / DESCRIPTION
    if path.stat().st_size > DESCRIPTION_LIMIT:
        raise ValueError("it is too long")
    try:
        image = _parse(json.loads(path.read_text(encoding="utf-8")), folder, name)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    for file in (image.disk, image.kernel, image.initrd):
        if file is not None and not file.is_file():
            raise FileNotFoundError(errno.ENOENT, f"{file.name} is missing")
    return image


def read(folder: Path, name: str = "") -> Image:
    """The image that is described in a folder; `name` unless it is the folder's. Raises ImageBroken."""
    name = name or folder.name
    try:
        return described(folder, name)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, FileNotFoundError) and not error.filename else error
        raise ImageBroken(
            f"The image {name!r} in {folder} is broken: {DESCRIPTION}: {why}; "
            f"remove that folder, then {_how_to_get(name)}"
        ) from error


def _parse(fields: Any, folder: Path, name: str) -> Image:
    """The description as a value. Raises ValueError that names the field."""
    if not isinstance(fields, dict):
        raise ValueError("not an object")

    def text(key: str, choices: tuple[str, ...] = (), default: str = "") -> Any:
        value = fields.get(key, default)
        if not isinstance(value, str) or len(value) > 2048 or (choices and value not in choices):
            raise ValueError(f"{key} must be {' or '.join(choices) or 'a short text'}")
        return value

    def file(key: str) -> Path | None:
        value = fields.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", value):
            raise ValueError(f"{key} must be the name of a file beside it")
        return folder / value

    memory = fields.get("memory_mb")
    if not isinstance(memory, int) or not 16 <= memory <= 1 << 20:
        raise ValueError("memory_mb must be a number from 16 to 1048576")
    if not text("version"):
        raise ValueError("version is missing")
    return Image(
        name=name, folder=folder, kind=text("kind", get_args(Kind)), version=text("version"),
        memory_mb=memory,
        disk=file("disk"), kernel=file("kernel"), initrd=file("initrd"), append=text("append"),
        firmware=text("firmware", ("none", "bios", "uefi"), "none"), user=text("user"), recipe=text("recipe"),
        text_port=text("text_port"),
    )  # fmt: skip


__all__ = ["Image", "ImageError", "ImageStore", "describe", "described", "disk_full", "read", "writes_to"]
