"""Where recipes are and when an image made from one is out of date."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from sessions.images.errors import BuildFailed


def folder(name: str) -> Path:
    """The recipe's folder, images/NAME of a source checkout. Raises BuildFailed where there is none."""
    recipe = Path(__file__).resolve().parents[2] / "images" / name
    if not recipe.is_dir():
        raise BuildFailed(
            f"There is no recipe {name!r} at {recipe.parent}: build images from a source checkout"
        )
    return recipe


def default_cache() -> Path:
    """Where finished steps of a build are kept: $TSGATEWAY_CACHE, else the user's cache folder."""
    chosen = os.environ.get("TSGATEWAY_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(chosen) if chosen else Path(base) / "tsgateway"


def fingerprint(recipe: Path, *more: str) -> str:
    """Hash of all files below the recipe (README aside) and of `more`: 16 hex digits."""
    digest = hashlib.sha256()
    for path in sorted(recipe.rglob("*")):
        if path.is_file() and path.suffix not in (".md", ".pyc"):
            content = path.read_bytes()
            digest.update(
                f"{path.relative_to(recipe)}\0{os.access(path, os.X_OK)}\0{len(content)}\0".encode()
            )
            digest.update(content)
    for text in more:
        digest.update(f"{len(text)}\0{text}".encode())
    return digest.hexdigest()[:16]
