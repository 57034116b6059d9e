"""Keeps secrets in the database unreadable to whoever has only the database.

AES-256-GCM under a key in a file of the data directory. What is sealed for one purpose cannot be opened for
another, so rows cannot be exchanged.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tsgateway.errors import StartError

KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = b"\x01"


class SealBroken(Exception):
    """It was sealed with another key or for another purpose, or was changed since."""


class Seal:
    """The key. path: its file, made when it is missing. Raises StartError."""

    def __init__(self, path: Path) -> None:
        self._cipher = AESGCM(_key(path))

    def seal(self, plain: bytes, purpose: str) -> bytes:
        """Return what may be stored."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, plain, purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """Return what was sealed. Raises SealBroken."""
        nonce, rest = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if sealed[:1] != _VERSION or len(nonce) != _NONCE_BYTES:
            raise SealBroken
        try:
            return self._cipher.decrypt(nonce, rest, purpose.encode())
        except InvalidTag:
            raise SealBroken from None


def _key(path: Path) -> bytes:
    try:
        with contextlib.suppress(FileExistsError):
            _make(path)
        status = path.stat()
        key = path.read_bytes()
    except OSError as error:
        raise StartError(f"the key file {path} cannot be used: {os.strerror(error.errno or 0)}") from None
    if status.st_mode & 0o077:
        raise StartError(f"the key file {path} can be read by others: chmod 600 {path}")
    if len(key) != KEY_BYTES:
        raise StartError(f"the key file {path} is damaged: restore it from a backup")
    return key


def _make(path: Path) -> None:
    """Write a new key beside, then give it its name: whoever finds the file finds it whole."""
    if path.exists():
        return
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.link(beside, path)
    finally:
        beside.unlink(missing_ok=True)
