"""A provider's description of itself and its keys: fetched when needed, kept for a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from joserfc.jwk import KeySet
from twisted.internet.defer import DeferredLock

from tsgateway.auth.authenticators.oidc.fetching import Fetcher, FetchError
from tsgateway.config.authenticators import is_loopback

KEEP = 3600.0
"""Seconds that a description and keys are good for."""
KEYS_AGAIN = 60.0
"""Keys are fetched anew for one that is not known, but not more often than that, seconds."""
MAX_KEYS = 64


class Description(NamedTuple):
    """Where to send people, where codes are redeemed, where its keys are; how clients may authenticate."""

    authorization: str
    token: str
    keys: str
    basic: bool


class Provider:
    """One provider. issuer: as it calls itself; monotonic: a clock, seconds."""

    def __init__(self, issuer: str, fetcher: Fetcher, monotonic: Callable[[], float]) -> None:
        self._issuer = issuer
        self._fetcher = fetcher
        self._monotonic = monotonic
        self._lock = DeferredLock()
        self._description: tuple[float, Description] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def description(self) -> Description:
        """Return its description. Raises FetchError."""
        async with self._lock:
            if self._description is None or self._is_old(self._description[0]):
                url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
                self._description = self._monotonic(), self._read(await self._fetcher.get(url), url)
            return self._description[1]

    async def keys(self, *, anew: bool = False) -> KeySet:
        """Return its keys. anew: one was not among them. Raises FetchError."""
        url = (await self.description()).keys
        async with self._lock:
            patience = KEYS_AGAIN if anew else KEEP
            if self._keys is None or self._monotonic() - self._keys[0] >= patience:
                self._keys = self._monotonic(), _keys(await self._fetcher.get(url), url)
            return self._keys[1]

    def _is_old(self, fetched: float) -> bool:
        return self._monotonic() - fetched >= KEEP

    def _read(self, found: dict[str, Any], url: str) -> Description:
        if found.get("issuer") != self._issuer:
            said = str(found.get("issuer"))[:200]
            raise FetchError(f"{url}: it calls itself {said}, not {self._issuer}")
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        for name in names:
            if not _is_address(found.get(name)):
                raise FetchError(f"{url}: its {name} is no https address")
        methods = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        basic = not isinstance(methods, list) or "client_secret_basic" in methods
        authorization, token, keys = (found[name] for name in names)
        return Description(authorization, token, keys, basic)


def _is_address(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > 2048:
        return False
    try:
        parts = urlsplit(value)
        return bool(parts.hostname) and (parts.scheme == "https" or is_loopback(parts.hostname))
    except ValueError:
        return False


def _keys(found: dict[str, Any], url: str) -> KeySet:
    """Return the keys that can be used; others, of kinds that nobody knows, do no harm."""
    listed = found.get("keys")
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise FetchError(f"{url}: there is no list of at most {MAX_KEYS} keys")
    usable = []
    for each in listed:
        if (
            not isinstance(each, dict)
            or each.get("kty") not in ("RSA", "EC", "OKP")
            or each.get("use") == "enc"
        ):
            continue  # a shared secret among them would let anybody sign who can read it
        try:
            usable += KeySet.import_key_set({"keys": [each]}).keys
        except Exception:  # of a form that is not understood
            continue
    if not usable:
        raise FetchError(f"{url}: none of its keys can be used")
    return KeySet(usable)
