"""The system's proxy on the way to a gateway: HTTPS_PROXY and no_proxy, or what the system's settings say.

It is asked for a tunnel (HTTP CONNECT) and carries TLS that it cannot read.
"""

from __future__ import annotations

import base64
import http.client
import socket
from typing import NamedTuple
from urllib.parse import unquote, urlsplit


class Proxy(NamedTuple):
    """Where it is; headers: what it is told beside the address."""

    host: str
    port: int
    headers: dict[str, str]


def proxy_for(host: str, port: int) -> Proxy | None:
    """Return the proxy to go by; None to go straight. Raises OSError for a kind that is not known here."""
    from urllib.request import getproxies, proxy_bypass  # slow to load, and of no use to a local command

    told = getproxies().get("https", "")
    if not told or proxy_bypass(f"{host}:{port}"):
        return None
    try:
        parts = urlsplit(told if "://" in told else f"http://{told}")
        found = parts.hostname, parts.port or 80
    except ValueError:
        raise OSError(f"the proxy “{told}” is no address like http://proxy.example.org:3128") from None
    if parts.scheme != "http" or not found[0]:
        raise OSError(f"a proxy like {parts.scheme}://{parts.hostname or ''} is not known here, only http://")
    if parts.username is None:
        return Proxy(found[0], found[1], {})
    secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    basic = base64.b64encode(secret).decode()
    return Proxy(found[0], found[1], {"Proxy-Authorization": f"Basic {basic}"})


def tunnel(proxy: Proxy, host: str, port: int, seconds: float) -> socket.socket:
    """Return a line to a gateway by its proxy. Raises OSError. seconds: for each step."""
    connection = http.client.HTTPConnection(proxy.host, proxy.port, timeout=seconds)
    connection.set_tunnel(host, port, proxy.headers)
    try:
        connection.connect()
    except http.client.HTTPException as error:
        raise OSError(f"{named(proxy)} answers what no proxy does ({type(error).__name__})") from error
    except ConnectionRefusedError:
        raise OSError(f"{named(proxy)} does not listen") from None
    return connection.sock


def named(proxy: Proxy) -> str:
    """Name a proxy to people."""
    return f"the proxy {proxy.host}:{proxy.port}"
