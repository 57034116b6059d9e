"""The key that signs checkpoints: Ed25519, in the audit's folder, for the gateway's user only."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from sessions.files import write_whole
from tsgateway.audit.chain import Point, Signed, signed_text

PRIVATE = "key.pem"
PUBLIC = "key.pub"


class KeyProblem(Exception):
    """A key cannot be used; the text says which and why."""


class Signer:
    """Signs points of the chain."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = PublicKey(key.public_key())

    @classmethod
    def make(cls, folder: Path) -> Signer:
        """Make a key and keep it. Raises OSError."""
        key = Ed25519PrivateKey.generate()
        signer = cls(key)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_whole(folder / PUBLIC, signer.public.pem.encode(), 0o644)
        write_whole(folder / PRIVATE, pem)
        return signer

    @classmethod
    def load(cls, folder: Path) -> Signer | None:
        """Return the key that is kept; None when there is none. Raises OSError, KeyProblem."""
        path = folder / PRIVATE
        try:
            key = load_pem_private_key(path.read_bytes(), None)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise KeyProblem(f"{path} holds no key") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyProblem(f"{path} holds a key of another kind than Ed25519")
        return cls(key)

    def sign(self, purpose: str, point: Point) -> Signed:
        """Vouch for a point."""
        return Signed(point, purpose, self.public.fingerprint, self._key.sign(signed_text(purpose, point)))


class PublicKey:
    """Tells whether points were signed by its owner."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        self.pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.fingerprint = hashlib.sha256(raw).hexdigest()[:32]
        """Half of the SHA-256 of the key's 32 bytes."""

    @classmethod
    def read(cls, path: Path) -> PublicKey:
        """Read a PEM file. Raises KeyProblem."""
        try:
            key = load_pem_public_key(path.read_bytes())
        except OSError as error:
            raise KeyProblem(f"{path} cannot be read: {error.strerror}") from None
        except (ValueError, UnsupportedAlgorithm):
            raise KeyProblem(f"{path} holds no public key") from None
        if not isinstance(key, Ed25519PublicKey):
            raise KeyProblem(f"{path} holds a key of another kind than Ed25519")
        return cls(key)

    def vouches(self, signed: Signed) -> bool:
        """Whether the signature is the owner's."""
        try:
            self._key.verify(signed.signature, signed_text(signed.purpose, signed.point))
        except (InvalidSignature, ValueError):
            return False
        return True
