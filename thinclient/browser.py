"""Signing in by the system's browser (RFC 8252), which comes back to an address of this program.

with BrowserSignIn(gateway) as way:
    open_browser(way.url)
    outcome = way.wait()
"""

from __future__ import annotations

import contextlib
import hmac
import os
import platform
import queue
import secrets
import sys
import threading
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tsgateway.client import Client, ClientError, NotSignedIn, TookTooLong
from tsgateway.client.operations import Outcome
from tsgateway.pkce import challenge_of

PATIENCE = 600.0
"""Seconds that somebody has in the browser."""
REQUEST_SECONDS = 10.0
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>{title}</title><style>
:root {{ color-scheme: light dark }}
body {{ font: 1.1rem/1.5 system-ui, sans-serif; display: grid; place-content: center; height: 90vh;
 text-align: center }}
</style></head><body class="tsclient"><h1>{title}</h1><p>{text}</p></body></html>
"""
_BACK = "Back to tsclient", "It goes on there by itself. This page can be closed."
_NOT_OURS = "This is not what was begun", "Begin again in tsclient."


class Cancelled(ClientError):
    """The person does not want to sign in by the browser any more."""


class BrowserSignIn:
    """One way round by the browser. by: the provider to go to at once, "" for whatever the person chooses.

    url: where the browser is to go. Raises OSError where there is no port to listen on.
    """

    def __init__(self, gateway: Client, by: str = "") -> None:
        if gateway.address is None:
            raise ValueError("a browser reaches gateways by an address only")
        self._gateway = gateway
        self._verifier, self._state = secrets.token_urlsafe(48), secrets.token_urlsafe(32)
        self._answers: queue.Queue[dict[str, str] | None] = queue.Queue(1)
        self._server = _Listener(self._state, self._answers)
        self._redirect = f"http://127.0.0.1:{self._server.server_port}/"
        asked = {
            "redirect_uri": self._redirect,
            "state": self._state,
            "code_challenge": challenge_of(self._verifier),
            "code_challenge_method": "S256",
            "client": f"tsclient on {platform.node() or 'this machine'}"[:80],
        }
        query = urlencode(asked | ({"by": by} if by else {}))
        self.url = f"{gateway.address.url.rstrip('/')}/client?{query}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    def wait(self, patience: float = PATIENCE) -> Outcome:
        """Wait until the browser is back, and take the sign-in over. Raises ClientError."""
        try:
            answer = self._answers.get(timeout=patience)
        except queue.Empty:
            raise TookTooLong("Nobody has signed in in the browser; begin again.") from None
        if answer is None:
            raise Cancelled("Signing in by the browser was cancelled.")
        if "code" not in answer:
            raise NotSignedIn("It was declined in the browser.", status=401, code="declined")
        return self._gateway.take_over(code=answer["code"], verifier=self._verifier, redirect=self._redirect)

    def cancel(self) -> None:
        """Wait no more; from any thread."""
        self._server.tell(None)

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> BrowserSignIn:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def can_open() -> bool:
    """Whether there is a place for a browser: one in a terminal would take the terminal."""
    told = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    return not sys.platform.startswith("linux") or any(map(os.environ.get, told))


def open_browser(url: str) -> None:
    """Open the system's browser, or $BROWSER, without waiting for it. Where there is none nothing happens."""
    if can_open():
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


class _Listener(ThreadingHTTPServer):
    """Answers the browser on this machine. Anybody here may knock: only who knows the state is heard."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, state: str, answers: queue.Queue[dict[str, str] | None]) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self._state = state
        self._answers = answers

    def take(self, path: str) -> bool:
        """Take what a browser brings; whether it is what was waited for."""
        parts = urlsplit(path)
        found = {name: values[0] for name, values in parse_qs(parts.query, max_num_fields=8).items()}
        state = found.get("state", "").encode()
        if parts.path != "/" or not hmac.compare_digest(state, self._state.encode()):
            return False
        self.tell({name: found[name] for name in ("code", "error") if name in found})
        return True

    def tell(self, answer: dict[str, str] | None) -> None:
        """Hand an answer to who waits; the first counts."""
        with contextlib.suppress(queue.Full):
            self._answers.put_nowait(answer)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is no news."""


class _Asked(BaseHTTPRequestHandler):
    server: _Listener
    timeout = REQUEST_SECONDS

    def do_GET(self) -> None:
        """Answer with a page."""
        try:
            is_ours = self.server.take(self.path)
        except ValueError:
            is_ours = False
        title, text = _BACK if is_ours else _NOT_OURS
        page = _PAGE.format(title=title, text=text).encode()
        self.send_response(200 if is_ours else 400)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: Any) -> None:
        """The code would be in the log."""
