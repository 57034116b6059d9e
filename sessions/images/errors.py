"""What can go wrong with images, as one tree.

    ImageError
    ├── ImageMissing     no image of that name
    ├── ImageBroken      its folder is damaged or incomplete
    ├── ImageUnsafe      a disk file that would make QEMU open other files
    └── BuildFailed      making or importing one did not work
        ├── ToolsMissing    programs that are not installed
        └── DiskFull        no room

The text of each is for the person at the keyboard: what happened, to what, what to do.
"""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int | None, str], None]
"""Called with per cent done (None where unknown) and a short text."""


class ImageError(Exception):
    """Something is wrong with an image."""


class ImageMissing(ImageError):
    """The store has no image of that name."""


class ImageBroken(ImageError):
    """The image's folder is incomplete or cannot be understood."""


class ImageUnsafe(ImageError):
    """The disk file refers to other files, which a guest's maker could use to read the host's."""


class BuildFailed(ImageError):
    """The image could not be made. `detail` is the end of what the failing program said."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class ToolsMissing(BuildFailed):
    """Programs that the work needs are not installed. `packages`: the Debian packages that have them."""

    def __init__(self, purpose: str, packages: list[str]) -> None:
        super().__init__(f"{purpose} needs programs that are missing: apt-get install {' '.join(packages)}")
        self.packages = packages


class DiskFull(BuildFailed):
    """There is no room for the files."""
