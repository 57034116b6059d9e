"""Proof Key for Code Exchange (RFC 7636), method S256: for who gives codes, and who redeems them."""

from __future__ import annotations

import base64
import hashlib


def challenge_of(verifier: str) -> str:
    """Return what a verifier is known by."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
