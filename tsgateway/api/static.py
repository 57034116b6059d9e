"""The browser client's files, read once and kept; paths are looked up, never joined.

The client as a whole has a version, a hash of its files. Its page asks for them below that version, so that
a browser keeps them for good, and no page is ever made of files of two versions.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import brotli

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
VENDOR = {"zstddec": "zstddec-stream.mjs", "hash-wasm": "sha256.umd.min.js"}
"""npm packages, and which of their files are served under /static/vendor/."""
PAGE = "index.html"
WORKER = "sw.js"
"""The service worker, which is served at the root: it has what lies beside it and below."""
SHELL = "shell.json"
"""Not a file: names all that the client needs but for pages that few people open, and for the icons of an
installed one, which its system keeps (sw.js keeps the rest)."""
_RARE = ("admin/", "package", "images/icon-", WORKER, PAGE)
_VERSION = re.compile(r"([0-9a-f]{12})/(.+)")
_FOR_EVER = "public, max-age=31536000, immutable"
_WORTH_PACKING = frozenset({".css", ".html", ".js", ".json", ".mjs", ".svg", ".webmanifest"})
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, quality=10),  # 11 takes twice as long for 3 % less
    "gzip": lambda body: gzip.compress(body, 9, mtime=0),
}
"""Content codings (RFC 9110, section 8.4.1), the best first. Browsers take br over TLS only."""


@dataclass
class _File:
    path: Path
    kind: str
    stamp: tuple[int, int] = (0, 0)
    body: bytes = b""
    tag: str = ""
    _packed: dict[str, bytes | None] = field(default_factory=dict)

    def fresh(self) -> bool:
        """Read the file again when it has changed; tell whether.

        It does when a developer edits it or a package is upgraded.
        """
        status = self.path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        if stamp == self.stamp:
            return False
        self.body = self.path.read_bytes()
        self.tag = hashlib.sha256(self.body).hexdigest()[:32]
        self._packed = {}
        self.stamp = stamp
        return True

    def packed(self, coding: str | None) -> bytes | None:
        """Return it compressed, if that is worth it."""
        if coding is None or self.path.suffix not in _WORTH_PACKING:
            return None
        if coding not in self._packed:
            self._packed[coding] = _packed(self.body, coding)
        return self._packed[coding]


def _packed(body: bytes, coding: str | None) -> bytes | None:
    """Return it compressed, if that is worth it."""
    if coding is None:
        return None
    made = CODINGS[coding](body)
    return made if len(made) < len(body) else None


def coding_for(accepted: str) -> str | None:
    """Return the best of `CODINGS` for a request's Accept-Encoding; None when it takes none of them."""
    offers = (each.replace(" ", "").lower().partition(";q=") for each in accepted.split(","))
    taken = {name for name, _, weight in offers if not re.fullmatch(r"0(\.0*)?", weight)}
    return next((coding for coding in CODINGS if coding in taken), None)


class StaticFiles:
    """Serves what the web client's folder holds.

    Only files found in a walk of the folder have a name here, so no request can reach another one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, _File] = {}
        self._version = ""
        self._find()

    def _find(self) -> None:
        found: dict[str, _File] = {}
        for path in sorted(self._folder.rglob("*")):
            inside = path.relative_to(self._folder)
            hidden = any(part.startswith((".", "node_modules", "test")) for part in inside.parts)
            if not hidden and path.suffix in TYPES and path.is_file() and not path.is_symlink():
                found[inside.as_posix()] = _File(path, TYPES[path.suffix])
        for package, wanted in VENDOR.items():
            for path in sorted((self._folder / "node_modules" / package / "dist").glob(wanted)):
                if path.suffix in TYPES and path.is_file():
                    found[f"vendor/{path.name}"] = _File(path, TYPES[path.suffix])
        if found.keys() != self._files.keys():
            self._files = {name: self._files.get(name, file) for name, file in found.items()}
            self._version = ""

    @property
    def version(self) -> str:
        """What the client as a whole is called: 12 hexadecimal digits."""
        if not self._version:
            whole = hashlib.sha256()
            for name, file in self._files.items():
                try:
                    file.fresh()
                except OSError:  # it went meanwhile
                    continue
                whole.update(f"{name} {file.tag}\n".encode())
            self._version = whole.hexdigest()[:12]
        return self._version

    def page(self, seen: str | None, coding: str | None = None) -> Response:
        """Return the one page. seen: the request's If-None-Match; coding: see `coding_for`."""
        file = self._current(PAGE)
        if file is None:
            text = {"Content-Type": "text/plain; charset=utf-8"}
            return Response(503, b"The browser client is not installed.\n", text)
        body = file.body.replace(b'"/static/', f'"{PREFIX}{self.version}/'.encode())
        tag = hashlib.sha256(body).hexdigest()[:32]
        answer = _Answer(body, _packed(body, coding), coding, tag, file.kind)
        return answer.response(seen, "no-cache")

    def get(self, path: str, seen: str | None, coding: str | None = None) -> Response | None:
        """Return the file of a request path below `PREFIX`; None when there is none. See `page`."""
        name = path.removeprefix(PREFIX)
        versioned = _VERSION.fullmatch(name)
        if versioned:
            if versioned[1] != self.version:  # a page from before an update: better nothing than a mixture
                return None
            name = versioned[2]
        cached = _FOR_EVER if versioned else "no-cache"
        if name == SHELL:
            names = [each for each in self._files if not each.startswith(_RARE)]
            shell = _Answer(json.dumps(names).encode(), None, None, self.version, TYPES[".json"])
            return shell.response(seen, cached)
        file = self._current(name)
        if file is None:
            return None
        answer = _Answer(file.body, file.packed(coding), coding, file.tag, file.kind)
        return answer.response(seen, cached)

    def _current(self, name: str) -> _File | None:
        if name not in self._files:
            self._find()  # made since
        file = self._files.get(name)
        if file is None:
            return None
        try:
            if file.fresh():
                self._version = ""
        except OSError:
            return None
        return file


class _Answer(NamedTuple):
    """What is sent of a file. tag: without its quotes."""

    body: bytes
    packed: bytes | None
    coding: str | None
    tag: str
    kind: str

    def response(self, seen: str | None, cached: str) -> Response:
        """Return it, or that it is known already."""
        etag = f'"{self.tag}"' if self.packed is None else f'"{self.tag}-{self.coding}"'
        headers = {"ETag": etag, "Cache-Control": cached, "Vary": "Accept-Encoding"}
        if seen is not None and etag in (each.strip().removeprefix("W/") for each in seen.split(",")):
            return Response(304, b"", headers)
        headers["Content-Type"] = self.kind
        if self.packed is None or self.coding is None:
            return Response(200, self.body, headers)
        return Response(200, self.packed, {**headers, "Content-Encoding": self.coding})
