"""What an ID token says, once everything about it has been checked (OpenID Connect Core, 3.1.3.7). No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

LEEWAY = 60
"""Seconds that clocks may differ by."""
MAX_TOKEN = 64 * 1024
MAX_SUBJECT = 255
"""Core, 2: characters."""


class TokenWrong(Exception):
    """The token is not one to believe; the text is for the log."""


class KeyUnknown(TokenWrong):
    """None of the keys is the one that it says it was signed with: they may have changed."""


def checked(
    token: Any,
    keys: KeySet,
    *,
    algorithms: Sequence[str],
    issuer: str,
    client: str,
    nonce: str,
    now: float,
) -> Mapping[str, Any]:
    """Return the claims of an ID token. Raises TokenWrong."""
    if not isinstance(token, str) or len(token) > MAX_TOKEN:
        raise TokenWrong("there is no ID token, or it is too large")
    claims = _signed(token, keys, algorithms)
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != issuer:
        raise TokenWrong(f"it was issued by {str(claims.get('iss'))[:200]}, not by {issuer}")
    if client not in audiences:
        raise TokenWrong(f"it is for {str(audience)[:200]}, not for {client}")
    if (len(audiences) > 1 or "azp" in claims) and claims.get("azp") != client:
        raise TokenWrong(f"it was asked for by {str(claims.get('azp'))[:200]}, not by {client}")
    _check_times(claims, now)
    if not nonce or claims.get("nonce") != nonce:
        raise TokenWrong("its nonce is not the one that was sent: it belongs to another sign-in")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
        raise TokenWrong("it names nobody")
    return claims


def _signed(token: str, keys: KeySet, algorithms: Sequence[str]) -> Mapping[str, Any]:
    """Return claims whose signature is right, by one of `algorithms`."""
    try:
        decoded = jwt.decode(token, keys, algorithms=list(algorithms))
    except JoseError as error:
        kind = KeyUnknown if _names_no_key(token, keys) else TokenWrong
        raise kind(f"its signature is not good: {type(error).__name__} {error}"[:300]) from None
    except Exception as error:  # a token is hostile until its signature is right
        kind = KeyUnknown if _names_no_key(token, keys) else TokenWrong
        raise kind(f"it cannot be read: {type(error).__name__} {error}"[:300]) from None
    if not isinstance(decoded.claims, dict):
        raise TokenWrong("it has no claims")
    return decoded.claims


def _names_no_key(token: str, keys: KeySet) -> bool:
    from joserfc import jws

    try:
        kid = jws.extract_compact(token.encode()).headers().get("kid")
    except Exception:
        return False
    return kid is not None and kid not in [key.kid for key in keys.keys]


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    if now >= _time(claims, "exp") + LEEWAY:
        raise TokenWrong("it has expired; do the clocks agree?")
    if _time(claims, "iat") > now + LEEWAY or ("nbf" in claims and _time(claims, "nbf") > now + LEEWAY):
        raise TokenWrong("it is from the future; do the clocks agree?")


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise TokenWrong(f"its {name} is no time")
    return float(value)
