"""OpenID Connect by the authorization code flow with PKCE (RFC 7636, S256).

People are sent to the provider with a state, a nonce and a challenge; they come back with a code, which the
gateway redeems itself. Who it is comes from the ID token alone, whose signature, issuer, audience, times and
nonce are checked. An account belongs to an issuer and its subject; e-mail addresses prove nothing here.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel

from tsgateway.auth.authenticators.base import (
    Declined,
    Departure,
    Identity,
    SettingsWrong,
    Surroundings,
    Unavailable,
)
from tsgateway.config.authenticators import OidcSection

try:
    from tsgateway.auth.authenticators.oidc.claims import KeyUnknown, TokenWrong, checked
    from tsgateway.auth.authenticators.oidc.provider import Provider
except ImportError as missing:
    raise ImportError("it needs the package joserfc: pip install 'tsgateway[oidc]'") from missing

from tsgateway.auth.authenticators.oidc.fetching import Fetcher, FetchError

MAX_CODE = 4096
NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
NOT_GOOD = "The provider's answer could not be checked, so you are not signed in. Try again."
DENIED = "The provider did not sign you in."


class Oidc:
    """One provider."""

    Settings: ClassVar[type[BaseModel]] = OidcSection

    def __init__(self, name: str, settings: OidcSection, around: Surroundings) -> None:
        self._settings = settings
        self._title = settings.title or name
        self._wall = around.wall
        self._secret = _first_line(settings)
        self._fetcher = Fetcher(around.reactor, settings.ca_file)
        self._provider = Provider(settings.issuer, self._fetcher, around.reactor.seconds)

    async def begin(self, callback: str, state: str) -> Departure:
        """Return where to send somebody. Raises Unavailable."""
        try:
            description = await self._provider.description()
        except FetchError as error:
            raise self._away(error) from None
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        digest = hashlib.sha256(verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": callback,
            "scope": " ".join(self._settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in description.authorization else "?"
        return Departure(
            f"{description.authorization}{joint}{urlencode(asked)}", {"verifier": verifier, "nonce": nonce}
        )

    async def finish(self, kept: Mapping[str, str], callback: str, query: Mapping[str, str]) -> Identity:
        """Return who came back. Raises Declined, Unavailable."""
        if "error" in query:
            said = f"{query['error']} {query.get('error_description', '')}"[:300]
            raise Declined(DENIED, f"it answers: {said}")
        if query.get("iss", self._settings.issuer) != self._settings.issuer:  # RFC 9207
            raise Declined(NOT_GOOD, f"the answer comes from {query['iss'][:200]}")
        code = query.get("code", "")
        if not 0 < len(code) <= MAX_CODE:
            raise Declined(NOT_GOOD, "there is no code in the answer, or it is too long")
        try:
            answer = await self._redeem(code, kept["verifier"], callback)
            claims = await self._claims(answer.get("id_token"), kept["nonce"])
        except FetchError as error:
            if 400 <= error.status < 500:
                raise Declined(NOT_GOOD, str(error)) from None
            raise self._away(error) from None
        except TokenWrong as error:
            raise Declined(NOT_GOOD, f"its ID token: {error}") from None
        return self._identity(claims)

    def close(self) -> None:
        """There is nothing to let go of: each request has a connection of its own."""

    async def _redeem(self, code: str, verifier: str, callback: str) -> dict[str, Any]:
        description = await self._provider.description()
        client = self._settings.client_id
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback,
            "code_verifier": verifier,
        }
        authorization = ""
        if self._secret and description.basic:
            pair = f"{quote(client, safe='')}:{quote(self._secret, safe='')}"  # RFC 6749, 2.3.1
            authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            fields["client_id"] = client
            fields |= {"client_secret": self._secret} if self._secret else {}
        return await self._fetcher.post(description.token, fields, authorization)

    async def _claims(self, token: Any, nonce: str) -> Mapping[str, Any]:
        wanted: dict[str, Any] = {
            "algorithms": self._settings.algorithms,
            "issuer": self._settings.issuer,
            "client": self._settings.client_id,
            "nonce": nonce,
        }
        try:
            return checked(token, await self._provider.keys(), now=self._wall(), **wanted)
        except KeyUnknown:
            keys = await self._provider.keys(anew=True)
            return checked(token, keys, now=self._wall(), **wanted)

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        name = str(claims.get(self._settings.name_claim) or "").strip().lower()
        if not NAME.fullmatch(name):
            raise Declined(
                "The provider gives you no name that an account here can have. Ask the administrator.",
                f"the claim {self._settings.name_claim} of {claims['sub']} is {name[:80]!r}; see name_claim",
            )
        shown = claims.get("name")
        groups = claims.get(self._settings.groups_claim)
        listed = groups if isinstance(groups, list) else [groups]
        return Identity(
            f"{self._settings.issuer} {claims['sub']}",
            name,
            shown if isinstance(shown, str) else "",
            frozenset(each for each in listed if isinstance(each, str)),
        )

    def _away(self, error: FetchError) -> Unavailable:
        return Unavailable(
            f"{self._title} cannot be reached at the moment, so nobody can be signed in by it. "
            "Try again later.",
            str(error),
        )


def _first_line(settings: OidcSection) -> str:
    if settings.client_secret_file is None:
        return ""
    try:
        lines = settings.client_secret_file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsWrong(f"client_secret_file {settings.client_secret_file}: {error}") from None
    if not lines or not lines[0].strip():
        raise SettingsWrong(f"client_secret_file {settings.client_secret_file} is empty")
    return lines[0].strip()
