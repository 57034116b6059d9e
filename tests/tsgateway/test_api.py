"""The API as a whole: its table, description and client, tokens, events, the socket on the machine."""

import json
import os
import re
import socket
import struct
from urllib.parse import quote

import pytest
import pytest_twisted
from cryptography.hazmat.primitives.hashes import SHA256
from openapi_spec_validator import OpenAPIV31SpecValidator
from twisted.internet.threads import deferToThread

from tests.tsgateway.support import World, http_request, sleep, type_of, until
from thinclient.connection import read
from tsgateway.api.client_source import source
from tsgateway.api.description import openapi
from tsgateway.api.route import May, Open, Route, SignedIn, Stranger
from tsgateway.api.routes import ROUTES
from tsgateway.client import (
    Client,
    NoRight,
    NotSignedIn,
    NotThere,
    Refused,
    ServerAway,
    WrongCertificate,
    operations,
)
from tsgateway.store import StoreUnavailable
from tsgateway.transports.local import peer_name

FOR_STRANGERS = {
    "describe", "health", "who_am_i",
    "sign_in", "answer_step", "show_step", "ways_to_sign_in", "go_to_provider", "return_from_provider",
    "take_over",
    "look_at_invitation", "trade_invitation",
}  # fmt: skip
"""What needs no sign-in. Whoever makes this longer has thought about it."""


# ---- the table


def test_only_these_routes_are_for_strangers():
    assert {route.name for route in ROUTES if isinstance(route.needs, Open | Stranger)} == FOR_STRANGERS


def test_no_two_routes_are_alike():
    assert len({(route.method, re.sub(r"\{\w+\}", "{}", route.path)) for route in ROUTES}) == len(ROUTES)
    assert len({route.name for route in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_says_what_it_is(route: Route):
    assert isinstance(route.needs, Open | Stranger | SignedIn | May)
    assert route.summary[:1].isupper()
    assert not route.summary.endswith(".")
    assert route.function.__doc__ or route.name.endswith("_session")
    assert route.path.startswith("/api/v1/") or route.name == "describe"
    assert (route.method == "GET") <= (route.body is None)


def test_the_description_is_openapi():
    OpenAPIV31SpecValidator(json.loads(json.dumps(openapi(ROUTES)))).validate()


def test_the_client_has_every_route():
    with open(operations.__file__) as file:
        assert file.read() == source(ROUTES), (
            "run: python -m tsgateway.api.client_source > tsgateway/client/operations.py"
        )


# ---- strangers


@pytest_twisted.ensureDeferred
async def test_a_stranger_gets_nothing_else(world: World):
    for route in ROUTES:
        if route.name in FOR_STRANGERS:
            continue
        path = re.sub(r"\{\w+\}", "1", route.path)
        body = None if route.method == "GET" else {}
        answer = await world.request(route.method, path, body, headers=type_of(route))
        assert (answer.status, answer.code) == (401, "not_signed_in"), f"{route.method} {path}"


@pytest_twisted.ensureDeferred
async def test_the_description_is_for_anybody(world: World):
    answer = await world.request("GET", "/api/openapi.json")
    assert answer.json == json.loads(json.dumps(openapi(ROUTES)))


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "PUT"])
async def test_another_sites_page_changes_nothing(world: World, method: str):
    ada = await world.sign_in()
    path = {"POST": "/api/v1/tokens", "PATCH": "/api/v1/hosts/0", "DELETE": "/api/v1/tokens/x"}.get(method)
    answer = await ada.ask(method, path or "/api/v1/tokens", {"name": "x"}, origin="https://evil.example")
    assert answer.status == (405 if method == "PUT" else 403)


# ---- tokens


async def a_client(world: World, person, **wanted) -> Client:
    made = await person.post("/api/v1/tokens", {"name": "test", **wanted})
    assert made.status == 200, made
    return Client.remote(
        f"https://127.0.0.1:{world.port}", made.json["secret"], fingerprint=fingerprint(world)
    )


def fingerprint(world: World) -> str:
    return world.gateway.identity.chain[0].fingerprint(SHA256()).hex(":")


@pytest_twisted.ensureDeferred
async def test_a_token_stands_for_who_made_it(world: World):
    client = await a_client(world, await world.sign_in("bob"))
    assert (await deferToThread(client.who_am_i))["user"]["name"] == "bob"
    assert await deferToThread(client.list_sessions) == {"sessions": []}
    with pytest.raises(NoRight):
        await deferToThread(client.list_hosts)
    client.close()


@pytest_twisted.ensureDeferred
async def test_a_token_is_told_once_and_can_be_revoked(world: World):
    bob, ada = await world.sign_in("bob"), await world.sign_in("ada")
    client = await a_client(world, bob)
    (listed,) = (await bob.get("/api/v1/tokens")).json["tokens"]
    assert "secret" not in listed
    assert (await ada.get("/api/v1/tokens")).json == {"tokens": []}
    assert [each["id"] for each in (await ada.get("/api/v1/tokens?user=*")).json["tokens"]] == [listed["id"]]
    assert (await bob.get("/api/v1/tokens?user=ada")).code == "no_right"
    assert (await bob.ask("DELETE", f"/api/v1/tokens/{listed['id']}")).status == 204
    with pytest.raises(NotSignedIn) as refused:
        await deferToThread(client.list_desktops)
    assert refused.value.code == "bad_token"
    client.close()


@pytest_twisted.ensureDeferred
async def test_others_tokens_are_revoked_by_administrators_only(world: World):
    bob, ada = await world.sign_in("bob"), await world.sign_in("ada")
    (await a_client(world, ada)).close()
    (token,) = (await ada.get("/api/v1/tokens")).json["tokens"]
    assert (await bob.ask("DELETE", f"/api/v1/tokens/{token['id']}")).code == "no_such_token"
    (await a_client(world, bob)).close()
    (token,) = (await bob.get("/api/v1/tokens")).json["tokens"]
    assert (await ada.ask("DELETE", f"/api/v1/tokens/{token['id']}")).status == 204
    assert (await bob.get("/api/v1/tokens")).json == {"tokens": []}


@pytest_twisted.ensureDeferred
async def test_a_token_can_do_less_than_its_person(world: World):
    ada = await world.sign_in()
    reading = await a_client(world, ada, read_only=True)
    assert (await deferToThread(reading.list_hosts))["hosts"]
    with pytest.raises(NoRight) as refused:
        await deferToThread(lambda: reading.set_host("0", weight=7))
    assert refused.value.code == "read_only"
    without = await a_client(world, ada, roles=["auditor"])
    with pytest.raises(NoRight):
        await deferToThread(without.list_hosts)
    for client in (reading, without):
        client.close()


@pytest_twisted.ensureDeferred
async def test_a_token_expires(world: World):
    bob = await world.sign_in("bob")
    client = await a_client(world, bob, days=1e-9)
    with pytest.raises(NotSignedIn):
        await deferToThread(client.list_desktops)
    client.close()


@pytest_twisted.ensureDeferred
async def test_a_token_makes_no_tokens(world: World):
    client = await a_client(world, await world.sign_in())
    with pytest.raises(NoRight):
        await deferToThread(lambda: client.make_token(name="more"))
    client.close()


@pytest_twisted.ensureDeferred
async def test_only_owners_make_tokens_for_others(world: World):
    bob, ada = await world.sign_in("bob"), await world.sign_in("ada")
    assert (await bob.post("/api/v1/tokens", {"name": "x", "user": "ada"})).code == "no_right"
    assert (await ada.post("/api/v1/tokens", {"name": "x", "user": "eve"})).code == "no_such_user"
    assert (await ada.post("/api/v1/tokens", {"name": "x", "user": "bob"})).json["user"] == "bob"
    assert (await ada.post("/api/v1/tokens", {"name": "x", "roles": ["king"]})).code == "bad_request"


@pytest_twisted.ensureDeferred
async def test_a_gateway_with_another_certificate_is_told_nothing(world: World):
    client = Client.remote(f"https://127.0.0.1:{world.port}", "tsg_" + "x" * 43, fingerprint="00" * 32)
    with pytest.raises(WrongCertificate, match="certificate is not the one") as changed:
        await deferToThread(client.who_am_i)
    assert changed.value.reason == "changed"
    assert fingerprint(world).replace(":", "") in str(changed.value)
    client = Client.remote(f"https://127.0.0.1:{world.port}")
    with pytest.raises(WrongCertificate, match="self-signed") as unknown:
        await deferToThread(client.who_am_i)
    assert unknown.value.reason == "unknown"


# ---- on the machine


@pytest_twisted.ensureDeferred
async def test_who_runs_the_gateway_may_do_everything_on_its_machine(world: World):
    with Client.local(world.gateway.layout.api) as client:
        me = (await deferToThread(client.who_am_i))["user"]
        assert me["name"].startswith("local:")
        assert [(each["role"], each["desktop"]) for each in me["roles"]] == [("owner", None)]
        await deferToThread(lambda: client.set_host("0", weight=250, mode="drain"))
        (host,) = (await deferToThread(client.list_hosts))["hosts"]
        assert (host["weight"], host["mode"]) == (250, "drain")
        with pytest.raises(Refused):
            await deferToThread(lambda: client.set_host("all", weight=250))
        with pytest.raises(NotThere, match=r"no host '9'; there are 0, and all"):
            await deferToThread(lambda: client.set_host(9, mode="enable"))
        with pytest.raises(Refused, match="mode"):
            await deferToThread(lambda: client.set_host("0", mode="off"))
        assert (await deferToThread(client.list_images)) == {"images": [], "broken": []}
        assert (await deferToThread(client.list_disks)) == {"disks": []}
        with pytest.raises(NotThere):
            await deferToThread(lambda: client.delete_disk("one", "a/b c"))
        pools = (await deferToThread(client.list_pools))["desktops"]
        assert {pool["desktop"] for pool in pools} == set(world.config.desktops)


@pytest_twisted.ensureDeferred
async def test_the_socket_is_for_nobody_else(world: World):
    path = world.gateway.layout.api
    assert os.stat(path).st_mode & 0o777 == 0o600
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    try:
        assert peer_name(ours, frozenset({os.geteuid()})) is not None
        assert peer_name(ours, frozenset({os.geteuid() + 1})) is None
    finally:
        ours.close()
        theirs.close()
    assert struct.calcsize("=iII") == 12


@pytest_twisted.ensureDeferred
async def test_a_gateway_that_is_not_there_is_one_sentence(world: World):
    path = world.gateway.layout.root / "nothing.sock"
    with pytest.raises(ServerAway, match="No gateway runs there"):
        await deferToThread(Client.local(path).who_am_i)


# ---- sessions


@pytest_twisted.ensureDeferred
async def test_everybody_lists_what_they_may(world: World):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    (his, _), (hers, _) = await bob.ticket(), await ada.ticket("mine")
    listed = (await ada.get("/api/v1/sessions")).json["sessions"]
    assert {each["id"] for each in listed} == {his, hers}
    assert {each["state"] for each in listed} == {"active"}
    assert [each["id"] for each in (await bob.get("/api/v1/sessions")).json["sessions"]] == [his]
    assert [each["id"] for each in (await ada.get("/api/v1/sessions?user=bob")).json["sessions"]] == [his]
    assert (await bob.get(f"/api/v1/sessions/{hers}")).code == "no_such_session"
    assert (await ada.get(f"/api/v1/sessions/{his}")).json["user"] == "bob"
    assert (await ada.get("/api/v1/sessions?colour=red")).code == "bad_request"
    # what roles let one list is refused by name, what they do not is not there
    assert (await ada.post(f"/api/v1/sessions/{his}/ticket")).code == "no_right"
    assert (await bob.post(f"/api/v1/sessions/{hers}/reset")).code == "no_such_session"


# ---- events


@pytest_twisted.ensureDeferred
async def test_events_tell_what_one_may_list(world: World):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    his = await a_client(world, bob)
    seen: list = []

    def follow():
        for event in his.follow():
            seen.append(event)

    following = deferToThread(follow)
    await until(lambda: seen, "the list of sessions")
    await ada.ticket()
    mine, _ = await bob.ticket()
    await until(lambda: any(event.kind == "session" for event in seen), "his session")
    await bob.post(f"/api/v1/sessions/{mine}/reset")
    await until(lambda: any(event.kind == "ended" for event in seen), "its end")
    for watcher in world.gateway.sessions.watchers:
        watcher.host_told(world.hosts[0])
    await until(lambda: any(event.kind == "missed" for event in seen), "that something was missed")
    await until(lambda: seen[-1].kind == "sessions", "the list of sessions")
    assert seen[0] == ("sessions", {"sessions": []})
    assert {event.told["id"] for event in seen if event.kind == "session"} == {mine}
    assert seen[-1].told == {"sessions": []}
    revoked = (await bob.get("/api/v1/tokens")).json["tokens"][0]["id"]
    await bob.ask("DELETE", f"/api/v1/tokens/{revoked}")
    await bob.ticket()
    await following  # who is known no more is told no more


@pytest_twisted.ensureDeferred
async def test_who_may_list_everything_can_follow_only_ones_own(world: World):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    line = await world.knock()
    line.write(http_request(world.origin, "GET", "/api/v1/events?user=ada", cookie=ada.cookie))
    await until(lambda: b'{"sessions": []}' in line.buffer or b'{"sessions":[]}' in line.buffer, "the list")
    his, _ = await bob.ticket()
    hers, _ = await ada.ticket()
    await until(lambda: hers.encode() in line.buffer, "her session")
    assert his.encode() not in line.buffer


# ---- the portal


@pytest_twisted.ensureDeferred
async def test_favourites_are_kept_by_the_gateway(world: World):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")

    async def marked(person) -> dict[str, bool]:
        shown = (await person.get("/api/v1/desktops")).json["desktops"]
        return {each["id"]: each["favourite"] for each in shown}

    assert set((await marked(bob)).values()) == {False}
    assert (await bob.ask("PUT", "/api/v1/desktops/one/favourite")).status == 204
    assert (await marked(bob))["one"]
    assert set((await marked(ada)).values()) == {False}
    assert (await bob.ask("PUT", "/api/v1/desktops/nowhere/favourite")).code == "no_such_desktop"
    assert (await bob.ask("DELETE", "/api/v1/desktops/one/favourite")).status == 204
    assert set((await marked(bob)).values()) == {False}


@pytest_twisted.ensureDeferred
async def test_a_connection_file_says_where_and_as_whom_and_nothing_secret(world: World):
    bob = await world.sign_in("bob")
    answer = await bob.get("/api/v1/desktops/one/connection-file")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/x-tsclient"
    title = next(
        each["title"] for each in (await bob.get("/api/v1/desktops")).json["desktops"] if each["id"] == "one"
    )
    named = f"attachment; filename*=UTF-8''{quote(title, safe='')}.tsc"
    assert answer.headers["content-disposition"] == named
    connection = read(answer.body, "one.tsc")
    assert (connection.desktop, connection.name) == ("one", "bob")
    assert connection.address.startswith("https://")
    assert answer.body.count(b"\n") == 3
    hidden = await bob.get("/api/v1/desktops/nowhere/connection-file")
    assert (hidden.status, hidden.code) == (404, "no_such_desktop")


@pytest_twisted.ensureDeferred
async def test_the_list_tells_when_a_desktop_was_used_last_and_needs_no_database_for_it(
    world: World, monkeypatch
):
    bob = await world.sign_in("bob")
    await bob.ticket()

    async def used() -> float | None:
        shown = (await bob.get("/api/v1/desktops")).json["desktops"]
        return next(each["used"] for each in shown if each["id"] == "one")

    while await used() is None:  # it is written down by and by
        await sleep(0.05)

    def away(_name: str):
        raise StoreUnavailable("the database is away")

    monkeypatch.setattr(world.gateway._store.portal, "of_desktops", away)
    assert await used() is None
