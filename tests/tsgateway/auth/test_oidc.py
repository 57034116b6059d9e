"""OpenID Connect with a real provider over TLS, and with the same one lying."""

from __future__ import annotations

import base64
import hmac
import json
import time
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_twisted
from joserfc import jwt
from joserfc.jwk import RSAKey
from twisted.internet.threads import deferToThread
from twisted.logger import eventAsText, globalLogPublisher

from tests.certificates import Authority
from tests.openid import CLIENT, SECRET, OpenId
from tests.tsgateway.support import Person, World

AWAY = "__Host-tsgateway-away"


@pytest.fixture(scope="module")
def server():
    made = OpenId()
    try:
        yield made.start()
    finally:
        made.remove()


@pytest.fixture
def provider(server):
    yield server
    server.twist = lambda claims, key: None
    server.answers.clear()
    server.asked.clear()


@pytest_twisted.async_yield_fixture
async def gateway(provider, tmp_path):
    """A gateway with the provider as "corp", which makes accounts, and as "strict", which makes none."""
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    section = {
        "kind": "oidc",
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "client_secret_file": str(secret),
        "ca_file": str(provider.authority.file),
    }
    corp = {**section, "title": "Corp & Co", "create": True, "groups": {"staff": "desk"}}
    made = World(authenticators={"corp": corp, "strict": section})
    try:
        await made.start()
        yield made
    finally:
        await made.stop()


@pytest.fixture
def logged():
    events: list = []
    globalLogPublisher.addObserver(events.append)
    yield lambda: "\n".join(eventAsText(event) for event in events)
    globalLogPublisher.removeObserver(events.append)


@dataclass
class Browser:
    """A browser on its way. url: at the provider; callback: where the provider sends it."""

    world: World
    cookie: str
    url: str
    callback: str = ""

    @classmethod
    async def leave(cls, world: World, name: str = "corp") -> Browser:
        answer = await world.request(
            "GET", f"/api/v1/login/oidc/{name}", headers={"Host": f"localhost:{world.port}"}
        )
        assert answer.status == 303, answer
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith(f"{AWAY}=")
        assert "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600" in cookie
        return cls(world, cookie.partition(";")[0], answer.headers["Location"])

    async def at_provider(self, provider: OpenId, subject: str = "subject-1", **options) -> Browser:
        location = await deferToThread(provider.sign_in, self.url, subject, **options)
        parts = urlsplit(location)
        self.callback = f"{parts.path}?{parts.query}"
        return self

    async def back(self, cookie: str | None = None):
        headers = {"Cookie": self.cookie if cookie is None else cookie}
        return await self.world.request("GET", self.callback, headers=headers)


async def go(world: World, provider: OpenId, name: str = "corp", subject: str = "subject-1"):
    browser = await Browser.leave(world, name)
    return await (await browser.at_provider(provider, subject)).back()


def refused(answer) -> str:
    assert answer.status in (403, 503), answer
    assert "Set-Cookie" not in answer.headers
    assert "You are not signed in" in answer.body.decode()
    return answer.body.decode()


@pytest_twisted.ensureDeferred
async def test_who_signs_in_there_is_signed_in_here(gateway, provider):
    ways = (await gateway.request("GET", "/api/v1/login/methods")).json
    assert ways == {"providers": [{"id": "corp", "title": "Corp & Co"}, {"id": "strict", "title": "strict"}]}
    answer = await go(gateway, provider)
    assert answer.status == 200
    assert '<meta http-equiv="refresh" content="0;url=/">' in answer.body.decode()
    cookie = answer.headers["Set-Cookie"]
    assert "SameSite=Strict" in cookie
    ada = Person(gateway, cookie.partition("=")[2].partition(";")[0])
    account = (await ada.get("/api/v1/account")).json
    assert (account["name"], account["display_name"]) == ("ada.l", "Ada Lovelace")
    assert account["groups"] == ["desk", "users"]
    assert (account["source"], account["method"]) == ("corp", "oidc:corp")
    assert gateway.gateway._store.user("ada.l").source_key == f"{provider.issuer} subject-1"
    assert (await go(gateway, provider)).status == 200  # the account is there by now


@pytest_twisted.ensureDeferred
async def test_what_the_provider_is_asked(gateway, provider):
    browser = await Browser.leave(gateway)
    asked = {key: value[0] for key, value in parse_qs(urlsplit(browser.url).query).items()}
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == f"{gateway.origin}/api/v1/oidc/corp/callback"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    again = parse_qs(urlsplit((await Browser.leave(gateway)).url).query)
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[name]) >= 32
        assert asked[name] != again[name][0]
    assert provider.asked.count("/.well-known/openid-configuration") == 1  # it is kept


@pytest_twisted.ensureDeferred
async def test_the_address_to_come_back_to_is_one_of_ours(gateway):
    answer = await gateway.request("GET", "/api/v1/login/oidc/corp", headers={"Host": "evil.example"})
    asked = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert asked["redirect_uri"] == [f"{gateway.origin}/api/v1/oidc/corp/callback"]


@pytest_twisted.ensureDeferred
async def test_an_answer_counts_once_and_in_its_browser_only(gateway, provider):
    victim = await Browser.leave(gateway)
    attacker = await (await Browser.leave(gateway)).at_provider(provider)
    attacker.cookie, kept = victim.cookie, attacker.cookie
    assert "not begun in this browser" in refused(await attacker.back())  # nor with the right one afterwards
    assert "not begun" in refused(await attacker.back(kept))
    honest = await (await Browser.leave(gateway)).at_provider(provider)
    for cookie in ("", "x=y", f"{AWAY}=", f"{AWAY}={'A' * 43}", f'{AWAY}="\\'):
        other = await (await Browser.leave(gateway)).at_provider(provider)
        refused(await other.back(cookie))
    assert (await honest.back()).status == 200
    refused(await honest.back())


@pytest_twisted.ensureDeferred
async def test_an_answer_for_another_provider_is_refused(gateway, provider):
    browser = await (await Browser.leave(gateway, "strict")).at_provider(provider)
    browser.callback = browser.callback.replace("/strict/", "/corp/")
    refused(await browser.back())


@pytest_twisted.ensureDeferred
async def test_a_code_of_somebody_elses_way_is_refused(gateway, provider):
    """A code that was stolen is worth nothing without the verifier; the provider says so, people hear it."""
    thief, victim = [await (await Browser.leave(gateway)).at_provider(provider) for _ in range(2)]
    code = parse_qs(urlsplit(victim.callback).query)["code"][0]
    own = parse_qs(urlsplit(thief.callback).query)["code"][0]
    thief.callback = thief.callback.replace(own, code)
    assert "could not be checked" in refused(await thief.back())


@pytest_twisted.ensureDeferred
async def test_without_create_an_administrator_links(gateway, provider, logged):
    assert "have no account here" in refused(await go(gateway, provider, "strict"))
    assert f'"{provider.issuer} subject-1" of "strict" (ada.l) has no account' in logged()
    gateway.gateway._store.link_user("bob", "strict", f"{provider.issuer} subject-1")
    assert (await go(gateway, provider, "strict")).status == 200


@pytest_twisted.ensureDeferred
async def test_names_and_addresses_prove_nothing(gateway, provider):
    """subject-3 calls itself bob there; bob here is somebody else, until an administrator links them."""
    assert "have no account here" in refused(await go(gateway, provider, subject="subject-3"))
    gateway.gateway._store.add_user("carl", "", set(), 0, source="corp")
    provider.twist = lambda claims, key: claims.update(preferred_username="carl")
    assert "have no account here" in refused(await go(gateway, provider, subject="subject-3"))


@pytest_twisted.ensureDeferred
async def test_a_name_that_no_account_can_have_is_said(gateway, provider, logged):
    assert "gives you no name" in refused(await go(gateway, provider, subject="subject-2"))
    assert "see name_claim" in logged()


@pytest_twisted.ensureDeferred
async def test_who_says_no_there_is_told(gateway, provider):
    browser = await (await Browser.leave(gateway)).at_provider(provider, deny=True)
    parts = parse_qs(urlsplit(browser.url).query)
    browser.callback += f"&state={parts['state'][0]}" if "state=" not in browser.callback else ""
    assert "did not sign you in" in refused(await browser.back())


def signed_otherwise(claims, key):
    return jwt.encode({"alg": "RS256", "kid": key.kid or "x"}, claims, RSAKey.generate_key(2048))


def with_unknown_key(claims, key):
    other = RSAKey.generate_key(2048, {"kid": "unheard-of"})
    return jwt.encode({"alg": "RS256", "kid": "unheard-of"}, claims, other)


def encoded(part):
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unsigned(claims, key):
    return f"{encoded({'alg': 'none'})}.{encoded(claims)}."


def signed_with_the_public_key(claims, key):
    """As a shared secret: the oldest trick there is."""
    signed = f"{encoded({'alg': 'HS256'})}.{encoded(claims)}"
    signature = hmac.digest(key.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{encoded(signature)}"


def another_algorithm(claims, key):
    return jwt.encode({"alg": "RS512"}, claims, key, algorithms=["RS512"])


def without(name):
    return lambda claims, key: claims.pop(name, None) and None


def claiming(**changed):
    def twist(claims, key):
        claims.update({name: value() if callable(value) else value for name, value in changed.items()})

    return twist


LIES = {
    "another nonce": claiming(nonce="of another sign-in"),
    "no nonce": without("nonce"),
    "another audience": claiming(aud="somebody else"),
    "audiences without azp": claiming(aud=[CLIENT, "somebody else"]),
    "another azp": claiming(azp="somebody else"),
    "no audience": without("aud"),
    "another issuer": claiming(iss="https://id.example.org"),
    "no issuer": without("iss"),
    "expired": claiming(exp=lambda: time.time() - 120),
    "no expiry": without("exp"),
    "expiry that is no time": claiming(exp="tomorrow"),
    "expiry that is none": claiming(exp=float("inf")),
    "expiry beyond time": claiming(exp=1e300),
    "from the future": claiming(iat=lambda: time.time() + 3600),
    "not yet": claiming(nbf=lambda: time.time() + 3600),
    "nobody": without("sub"),
    "somebody without a name": claiming(sub=""),
    "somebody who is a number": claiming(sub=7),
    "somebody of great length": claiming(sub="s" * 256),
    "another key": signed_otherwise,
    "a key that is unheard of": with_unknown_key,
    "no signature": unsigned,
    "the public key as a secret": signed_with_the_public_key,
    "another algorithm": another_algorithm,
    "no token": lambda claims, key: "",
    "rubbish": lambda claims, key: "a.b.c",
    "more rubbish": lambda claims, key: "." * 100,
    "a huge token": lambda claims, key: "a" * 100_000,
}


@pytest_twisted.ensureDeferred
async def test_lies_let_nobody_in(gateway, provider, logged):
    for name, lie in LIES.items():
        provider.twist = lie
        answer = await go(gateway, provider)
        assert answer.status == 403, name
        assert "could not be checked" in refused(answer), name
        assert "ID token" in logged(), name
    provider.twist = lambda claims, key: None
    assert (await go(gateway, provider)).status == 200


@pytest_twisted.ensureDeferred
async def test_keys_are_kept_and_fetched_anew_but_not_for_every_lie(gateway, provider):
    provider.twist = with_unknown_key
    for _ in range(4):
        refused(await go(gateway, provider))
    assert provider.asked.count("/jwks") == 1


@pytest_twisted.ensureDeferred
async def test_a_provider_that_changes_its_keys_is_followed(gateway, provider):
    assert (await go(gateway, provider)).status == 200
    new = RSAKey.generate_key(2048, {"kid": "new"})
    public = {"keys": [new.as_dict(private=False)]}
    provider.answers["/jwks"] = (200, json.dumps(public).encode())
    provider.twist = lambda claims, key: jwt.encode({"alg": "RS256", "kid": "new"}, claims, new)
    refused(await go(gateway, provider))  # keys were fetched just now
    mine = gateway.gateway._sign_in.sources["corp"]._made._provider
    mine._keys = (mine._keys[0] - 61, mine._keys[1])
    assert (await go(gateway, provider)).status == 200


@pytest_twisted.ensureDeferred
async def test_clocks_may_differ_a_little(gateway, provider):
    provider.twist = claiming(exp=lambda: time.time() - 30, iat=lambda: time.time() + 30)
    assert (await go(gateway, provider)).status == 200


ABSENCES = {
    "/.well-known/openid-configuration": [
        (500, b""),
        (200, b"<html>"),
        (200, b"[" * 100_000),
        (200, b'{"issuer": "https://id.example.org"}'),
        (200, b"{" + b" " * 1_000_000 + b"}"),
    ],
    "/jwks": [(404, b"{}"), (200, b'{"keys": []}'), (200, b'{"keys": [{"kty": "oct", "k": "AAAA"}]}')],
    "/oauth2/token": [(500, b"{}"), (200, b"no JSON"), (302, b"{}")],
}


@pytest.mark.parametrize("path", ABSENCES)
@pytest_twisted.ensureDeferred
async def test_a_provider_that_answers_badly(gateway, provider, path, logged):
    sources = gateway.gateway._sign_in.sources
    for status, body in ABSENCES[path]:
        provider.answers[path] = (status, body)
        source = sources["corp"]
        source._until, source._made._provider._description, source._made._provider._keys = 0.0, None, None
        if path.startswith("/.well-known"):
            answer = await gateway.request("GET", "/api/v1/login/oidc/corp")
            assert answer.status == 503
            assert "Corp &amp; Co cannot be reached" in refused(answer)
        else:
            answer = refused(await go(gateway, provider))
            assert "cannot be reached" in answer or "could not be checked" in answer
        assert f"{provider.issuer}{path}" in logged()


@pytest_twisted.ensureDeferred
async def test_a_provider_that_is_down_is_a_sentence(gateway, provider, logged):
    provider.stop()
    try:
        answer = await gateway.request("GET", "/api/v1/login/oidc/corp")
        assert "Corp &amp; Co cannot be reached at the moment" in refused(answer)
        assert f"{provider.issuer}/.well-known/openid-configuration" in logged()
        assert (await gateway.sign_in("bob")).cookie  # everybody else signs in
    finally:
        provider.start()


@pytest_twisted.ensureDeferred
async def test_another_certificate_is_not_trusted(provider, tmp_path):
    section = {"kind": "oidc", "issuer": provider.issuer, "client_id": CLIENT}
    stranger = {**section, "ca_file": str(Authority(tmp_path, "stranger").file)}
    made = World(authenticators={"stranger": stranger, "system": section})
    try:
        await made.start()
        for name in ("stranger", "system"):
            refused(await made.request("GET", f"/api/v1/login/oidc/{name}"))
        assert "/oauth2/token" not in provider.asked
    finally:
        await made.stop()


@pytest_twisted.ensureDeferred
async def test_providers_that_are_none(gateway):
    for path in ("/api/v1/login/oidc/nothing", "/api/v1/login/oidc/local", "/api/v1/oidc/nothing/callback"):
        refused(await gateway.request("GET", path))


@pytest_twisted.ensureDeferred
async def test_the_gateways_own_second_factor_after_a_provider(gateway, provider):
    """Where its section says so; the page takes the step from the address."""
    source = gateway.gateway._sign_in.sources["corp"]
    source.section = source.section.model_copy(update={"second_factor": True})
    gateway.gateway._sign_in._require_totp = frozenset({"users"})
    answer = await go(gateway, provider)
    assert "Set-Cookie" not in answer.headers
    challenge = answer.body.decode().partition("#challenge=")[2].partition('"')[0]
    step = await gateway.request("POST", "/api/v1/login/step", {"challenge": challenge})
    assert step.json["next"]["step"] == "enrol"
