"""One-time codes of authenticator apps (RFC 6238: SHA-1, 6 digits, 30 s), and recovery codes."""

from __future__ import annotations

import hashlib
import io
import re
from typing import NamedTuple

import pyotp
import segno

from tsgateway.auth.passwords import random_groups

STEP = 30
"""Seconds."""
SKEW = 1
"""Steps that a clock may be wrong by, either way."""
RECOVERY_CODES = 10
_CODE = re.compile(r"[0-9]{6}")
_SPACES = re.compile(r"[\s-]+")


class Enrolment(NamedTuple):
    """What somebody needs to set an app up. secret: base32; uri: otpauth://…; qr: the uri as an SVG."""

    secret: str
    uri: str
    qr: str


def enrolment(name: str, issuer: str, secret: str = "") -> Enrolment:
    """Return a new secret (or the one given), for an account. Drawing takes some milliseconds."""
    secret = secret or pyotp.random_base32(32)
    uri = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=issuer)
    picture = io.BytesIO()
    # Dark on light with a border, whatever the page's colours: scanners want it so.
    code = segno.make(uri, error="m", micro=False)
    code.save(picture, kind="svg", scale=1, border=4, dark="#000", light="#fff", xmldecl=False, omitsize=True)
    return Enrolment(secret, uri, picture.getvalue().decode().strip())


def step_of(secret: str, code: str, now: float) -> int | None:
    """Return the step whose code this is, of those that count now; None when it is wrong. now: Unix time."""
    code = _SPACES.sub("", code)
    if not _CODE.fullmatch(code):
        return None
    totp, here = pyotp.TOTP(secret), int(now // STEP)
    found = None
    for step in range(here - SKEW, here + SKEW + 1):  # each is looked at, whether or not one has fitted
        if pyotp.utils.strings_equal(totp.generate_otp(step), code):
            found = step
    return found


def recovery_codes() -> list[str]:
    """Return new ones: 79 bits each."""
    return [random_groups(4, 4) for _ in range(RECOVERY_CODES)]


def hash_recovery_code(code: str) -> bytes:
    """Return what is stored of one. It is random, so a plain hash suffices."""
    plain = _SPACES.sub("", code.lower())
    return hashlib.sha256(b"recovery code\0" + plain.encode()).digest()
