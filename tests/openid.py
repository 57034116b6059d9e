"""A real OpenID Connect provider of a test's own (oidc-provider-mock), over TLS; it can be made to lie."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
import oidc_provider_mock
import werkzeug.serving
from joserfc import jwt
from joserfc.jwk import RSAKey
from oidc_provider_mock._storage import storage

from tests.certificates import Authority

CLIENT = "tsgateway"
SECRET = "a secret: of the client/"
ADA = {
    "preferred_username": "Ada.L",
    "name": "Ada Lovelace",
    "groups": ["Staff", "Other"],
    "email": "bob@x.org",
}
ADA |= {"email_verified": True}


class OpenId:
    """One provider. Its people are by subject; it wants PKCE and the client's secret.

    twist: changes the claims of ID tokens before they are signed, or returns a whole token; answers: what is
    answered instead, by path.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tsg-oidc-")
        self.authority = Authority(Path(self._folder.name))
        self._certificate = self.authority.server("localhost")
        people = [oidc_provider_mock.User(sub="subject-1", claims=dict(ADA))]
        people.append(oidc_provider_mock.User(sub="subject-2", claims={"preferred_username": "Not A Name!"}))
        people.append(oidc_provider_mock.User(sub="subject-3", claims={"preferred_username": "bob"}))
        self._app = oidc_provider_mock.app(require_nonce=True, user_claims=people)
        self._app.debug = False
        self._app.wsgi_app = self._app.wsgi_app.app  # without its debugger
        self._app.before_request(self._before)
        self._app.after_request(self._after)
        self._challenges: dict[str, str] = {}
        self.twist: Callable[[dict[str, Any], RSAKey], str | None] = lambda claims, key: None
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.asked: list[str] = []
        self.port = 0
        self._server: Any = None

    @property
    def issuer(self) -> str:
        return f"https://localhost:{self.port}"

    def start(self) -> OpenId:
        context = tuple(str(path) for path in self._certificate)
        self._server = werkzeug.serving.make_server(
            "localhost", self.port, self._app, threaded=True, ssl_context=context
        )
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(30)
            self._server = None

    def remove(self) -> None:
        self.stop()
        self._folder.cleanup()

    def _before(self) -> Any:
        path = flask.request.path
        self.asked.append(path)
        if path in self.answers:
            status, body = self.answers[path]
            return flask.Response(body, status, content_type="application/json")
        if path == "/oauth2/token" and not self._proved():
            return flask.jsonify({"error": "invalid_grant", "error_description": "PKCE or the secret"}), 400
        return None

    def _proved(self) -> bool:
        form, given = flask.request.form, flask.request.authorization
        verifier = form.get("code_verifier", "").encode()
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=").decode()
        known = given is not None and given.type == "basic"
        name, secret = (given.username or "", given.password or "") if known else ("", "")
        pair = (urllib.parse.unquote(name), urllib.parse.unquote(secret))
        return digest == self._challenges.pop(form.get("code", ""), "") and pair == (CLIENT, SECRET)

    def _after(self, response: flask.Response) -> flask.Response:
        request = flask.request
        if request.path == "/oauth2/authorize" and "Location" in response.headers:
            code = urllib.parse.parse_qs(urllib.parse.urlsplit(response.headers["Location"]).query).get(
                "code"
            )
            if code and request.args.get("code_challenge_method") == "S256":
                self._challenges[code[0]] = request.args["code_challenge"]
        if request.path == "/oauth2/token" and response.status_code == 200:
            answer = response.get_json()
            key = RSAKey.import_key(storage.jwk.as_dict(is_private=True))
            claims = jwt.decode(answer["id_token"], key, algorithms=["RS256"]).claims
            header = {"alg": "RS256", "kid": storage.jwk.as_dict().get("kid")}
            twisted = self.twist(claims, key)
            answer["id_token"] = twisted if isinstance(twisted, str) else jwt.encode(header, claims, key)
            response.set_data(json.dumps(answer))
        return response

    def sign_in(self, url: str, subject: str = "subject-1", *, deny: bool = False) -> str:
        """Do what a browser does at the provider; return where it is sent. Blocks."""
        fields = {"action": "deny"} if deny else {"sub": subject}
        request = urllib.request.Request(url, urllib.parse.urlencode(fields).encode())
        context = ssl.create_default_context(cafile=self.authority.file)
        opener = urllib.request.build_opener(_NoRedirect(), urllib.request.HTTPSHandler(context=context))
        try:
            opener.open(request, timeout=30)
        except urllib.error.HTTPError as error:
            return error.headers["Location"]  # a KeyError, where it is none
        raise AssertionError("no redirect")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None
