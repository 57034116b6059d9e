"""The image store: what guests are cloned from, and the recipes that make it.

`ImageStore(folder).get(name)` gives an `Image`; `tiny.build` and `desktop.build` make the two that come
with the product; `imports.import_disk` takes in a disk file of any format that QEMU reads.
"""

from sessions.images.errors import (
    BuildFailed,
    DiskFull,
    ImageBroken,
    ImageError,
    ImageMissing,
    ImageUnsafe,
    Progress,
    ToolsMissing,
)
from sessions.images.store import Image, ImageStore

__all__ = [
    "BuildFailed",
    "DiskFull",
    "Image",
    "ImageBroken",
    "ImageError",
    "ImageMissing",
    "ImageStore",
    "ImageUnsafe",
    "Progress",
    "ToolsMissing",
]
