"""The browser client's files, read once and kept; paths are looked up, never joined."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tsgateway.exchange import Response

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
PREFIX = "/static/"
VENDOR = {"zstddec": "zstddec*", "hash-wasm": "sha256.umd.min.js"}
"""npm packages, and which of their files are served under /static/vendor/."""


@dataclass
class _File:
    path: Path
    kind: str
    stamp: tuple[int, int] = (0, 0)
    body: bytes = b""
    etag: str = ""

    def fresh(self) -> _File:
        """Read the file again when it has changed (a developer edits it, a package is upgraded)."""
        status = self.path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        if stamp != self.stamp:
            self.body = self.path.read_bytes()
            self.etag = f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'
            self.stamp = stamp
        return self


class StaticFiles:
    """Serves what the web client's folder holds.

    Only files found in a walk of the folder have a name here, so no request can reach another one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, _File] = {}
        self._find()

    def _find(self) -> None:
        for path in sorted(self._folder.rglob("*")):
            inside = path.relative_to(self._folder)
            hidden = any(part.startswith((".", "node_modules", "test")) for part in inside.parts)
            if not hidden and path.suffix in TYPES and path.is_file() and not path.is_symlink():
                self._files[inside.as_posix()] = _File(path, TYPES[path.suffix])
        for package, wanted in VENDOR.items():
            for path in sorted((self._folder / "node_modules" / package / "dist").glob(wanted)):
                if path.suffix in TYPES and path.is_file():
                    self._files[f"vendor/{path.name}"] = _File(path, TYPES[path.suffix])

    def page(self, seen: str | None) -> Response:
        """Return the one page. seen: the request's If-None-Match."""
        return self._answer("index.html", seen) or Response(
            503, b"The browser client is not installed.\n", {"Content-Type": "text/plain; charset=utf-8"}
        )

    def get(self, path: str, seen: str | None) -> Response | None:
        """Return the file of a request path below `PREFIX`; None when there is none."""
        name = path.removeprefix(PREFIX)
        if name not in self._files:
            self._find()  # made since
        return self._answer(name, seen)

    def _answer(self, name: str, seen: str | None) -> Response | None:
        file = self._files.get(name)
        if file is None:
            return None
        try:
            file.fresh()
        except OSError:
            return None
        headers = {"ETag": file.etag, "Cache-Control": "no-cache"}
        if seen is not None and file.etag in (tag.strip().removeprefix("W/") for tag in seen.split(",")):
            return Response(304, b"", headers)
        return Response(200, file.body, {**headers, "Content-Type": file.kind})
