"""Guest images for tests, built once and kept in the cache folder between runs."""

from __future__ import annotations

from functools import cache

from sessions.images import Image, ImageStore, desktop, recipe, tiny


def image_store() -> ImageStore:
    """The store that tests share; nothing else uses it."""
    return ImageStore(recipe.default_cache() / "test-images")


@cache
def tiny_image() -> Image:
    """The tiny test guest (images/tiny/README.md). A second to build, less when it is there already."""
    return tiny.build(image_store(), recipe.default_cache(), _quiet)


@cache
def desktop_image() -> Image:
    """The desktop (images/desktop/README.md). Three minutes to build the first time."""
    return desktop.build(image_store(), recipe.default_cache(), _quiet)


def _quiet(percent: int | None, text: str) -> None:
    print(f"{'' if percent is None else f'{percent} % '}{text}")
