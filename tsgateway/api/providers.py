"""Signing in by a provider: people's browsers go there and come back; these routes answer pages, not JSON.

The sign-in's cookie is SameSite=Strict: a browser that comes from another site would not send it, so whoever
comes back is answered with a small page of ours that goes on by itself.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import quote

from tsgateway.api.origin import origin
from tsgateway.api.route import Answer, Call, Open, Route
from tsgateway.api.signing import accepted_cookie, decoded
from tsgateway.auth.errors import SignInError
from tsgateway.auth.redirects import LIFETIME
from tsgateway.auth.sign_in import Accepted
from tsgateway.exchange import Response
from tsgateway.store import StoreUnavailable

if TYPE_CHECKING:
    from tsgateway.api.api import Api

AWAY_COOKIE = "__Host-tsgateway-away"
"""Ties who comes back to the browser that left. Lax: it has to come along from the provider's site."""
HTML = "text/html; charset=utf-8"
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">{refresh}
<title>{title}</title><link rel="stylesheet" href="/static/style.css"></head>
<body><main class="blank"><h1>{title}</h1><p>{text}</p>
<a class="button primary" href="{url}">{link}</a></main></body>
</html>
"""


async def go_to_provider(api: Api, call: Call) -> Answer:
    """Send a browser to a provider."""
    callback = f"{origin(api, call)}/api/v1/oidc/{quote(call.id, safe='')}/callback"
    try:
        departure, browser = await api.sign_in.leave(call.id, callback, call.request.address)
    except SignInError as error:
        return _failed(503, str(error))
    kept = f"{AWAY_COOKIE}={api.encoded(browser)}; Path=/; Secure; HttpOnly; SameSite=Lax"
    headers = {"Location": departure.url, "Set-Cookie": f"{kept}; Max-Age={LIFETIME:.0f}"}
    return Response(303, headers={**headers, "Cache-Control": "no-store"})


async def return_from_provider(api: Api, call: Call) -> Answer:
    """Take a browser back from a provider."""
    request = call.request
    try:
        outcome = await api.sign_in.back(call.id, request.query, _browser(call), request.address)
    except SignInError as error:
        return _failed(403, str(error))
    except StoreUnavailable:
        return _failed(503, "The server's database is away for the moment. Try again in a minute.")
    if isinstance(outcome, Accepted):
        return _page("You are signed in", "/", headers=accepted_cookie(api, outcome))
    return _page("One more step", f"/#challenge={api.encoded(outcome.challenge)}")


def _browser(call: Call) -> bytes:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(call.request.headers.get("cookie", ""))
    except CookieError:
        return b""
    return decoded(jar[AWAY_COOKIE].value) if AWAY_COOKIE in jar else b""


def _failed(status: int, sentence: str) -> Response:
    return _page("You are not signed in", "/", status=status, said=sentence)


def _page(
    title: str, url: str, *, status: int = 200, said: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """Return a page that goes on to `url`; by itself, unless there is something to read."""
    refresh = "" if said else f'<meta http-equiv="refresh" content="0;url={url}">'
    link = "Back to signing in" if said else "Go on"
    body = _PAGE.format(title=title, text=html.escape(said), url=url, link=link, refresh=refresh)
    kind = {"Content-Type": HTML, "Cache-Control": "no-store"}
    return Response(status, body.encode(), {**kind, **(headers or {})})


ROUTES = (
    Route("GET", "/api/v1/login/oidc/{id}", go_to_provider, "Go to a provider", Open(), stream="text/html"),
    Route(
        "GET",
        "/api/v1/oidc/{id}/callback",
        return_from_provider,
        "Come back from a provider",
        Open(),
        stream="text/html",
    ),
)
