"""Signing in and out, over a real socket."""

import pytest_twisted
from twisted.logger import eventAsText, globalLogPublisher

from sessions.wire.tsg import CloseCode
from tests.tsgateway.support import World, hello
from tsgateway.policy import ROLES, Role

ME = "/api/v1/me"
LOGIN = "/api/v1/login"
LOGOUT = "/api/v1/logout"
WRONG = {"name": "ada", "password": "not it"}


@pytest_twisted.ensureDeferred
async def test_sign_in_shows_who_one_is_and_what_one_may_open(world: World):
    ada = await world.sign_in("ada")
    actions = sorted(action.value for action in ROLES[Role.OWNER])
    assert (await ada.get(ME)).json == {
        "user": {
            "name": "ada",
            "groups": ["administrators", "users"],
            "roles": [{"role": "owner", "desktop": None, "actions": actions}],
        }
    }
    shown = (await ada.get("/api/v1/desktops")).json["desktops"]
    assert [desktop["id"] for desktop in shown] == ["one", "mine", "dying", "refused"]
    assert shown[0] == {
        **{"id": "one", "title": "One", "description": "", "kind": "fake"},
        **{"session": None, "sessions": [], "single": True, "favourite": False, "used": None},
    }
    bob = await world.sign_in("bob")
    assert [desktop["id"] for desktop in (await bob.get("/api/v1/desktops")).json["desktops"]] == ["one"]


@pytest_twisted.ensureDeferred
async def test_names_are_one_whatever_their_case(world: World):
    body = {"name": " Ada ", "password": "ada's password"}
    assert (await world.request("POST", LOGIN, body)).json["user"]["name"] == "ada"


@pytest_twisted.ensureDeferred
async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(world: World):
    answer = await world.request("POST", LOGIN, {"name": "ada", "password": "ada's password"})
    name, _, rest = answer.headers["Set-Cookie"].partition("=")
    value, *attributes = rest.split("; ")
    assert name == "__Host-tsgateway"
    assert len(value) == 43  # 256 bits
    assert set(attributes) == {"Path=/", "Secure", "HttpOnly", "SameSite=Strict", "Max-Age=43200"}


@pytest_twisted.ensureDeferred
async def test_no_token_is_stored_as_it_is(world: World):
    ada = await world.sign_in()
    await ada.ticket()
    for path in world.folder.rglob("*"):
        if path.is_file():
            assert ada.cookie.encode() not in path.read_bytes()


@pytest_twisted.ensureDeferred
async def test_without_a_good_cookie_nobody_is_known(world: World):
    for cookie in (None, "", "x", "A" * 43, "é", "A" * 5000):
        answer = await world.request("GET", ME, cookie=cookie)
        assert (answer.status, answer.json) == (200, {"user": None})
        answer = await world.request("GET", "/api/v1/desktops", cookie=cookie)
        assert (answer.status, answer.code) == (401, "not_signed_in")


@pytest_twisted.ensureDeferred
async def test_wrong_name_and_wrong_password_are_told_apart_by_nobody(world: World):
    wrong = await world.request("POST", LOGIN, WRONG)
    nobody = await world.request("POST", LOGIN, {"name": "eve", "password": "not it"})
    assert wrong.status == nobody.status == 401
    assert wrong.body == nobody.body
    assert "Set-Cookie" not in wrong.headers


@pytest_twisted.ensureDeferred
async def test_a_password_in_the_wrong_field_is_not_logged(world: World):
    events = []
    globalLogPublisher.addObserver(events.append)
    try:
        await world.request("POST", LOGIN, {"name": "correct horse", "password": "battery staple"})
        await world.request("POST", LOGIN, WRONG)
        await world.sign_in()
    finally:
        globalLogPublisher.removeObserver(events.append)
    said = "\n".join(eventAsText(event) for event in events)
    assert "sign-in refused: nobody's name from 127.0.0.1" in said
    assert "sign-in refused: ada from 127.0.0.1" in said
    for secret in ("horse", "staple", "not it", "ada's password"):
        assert secret not in said


@pytest_twisted.ensureDeferred
async def test_ten_wrong_passwords_mean_waiting(world: World):
    answers = [await world.request("POST", LOGIN, WRONG) for _ in range(10)]
    assert [answer.status for answer in answers[:5]] == [401] * 5
    last = answers[5]
    assert (last.status, last.phrase, last.code) == (429, "Too Many Requests", "too_many_attempts")
    assert last.json["retry_after"] == int(last.headers["Retry-After"]) >= 1
    right = {"name": "ada", "password": "ada's password"}
    assert (await world.request("POST", LOGIN, right)).status == 429


@pytest_twisted.ensureDeferred
async def test_signing_out_ends_the_sign_in_and_its_viewers(world: World):
    ada = await world.sign_in()
    other = await world.sign_in()
    _, ticket = await ada.ticket()
    _, unused = await ada.ticket()
    viewer = await world.websocket()
    await viewer.welcome(ticket)
    answer = await ada.post(LOGOUT)
    assert answer.status == 204
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert (await viewer.closing()).code == CloseCode.SIGNED_OUT
    assert await viewer.message() is None
    assert viewer.closed == 4000 + CloseCode.SIGNED_OUT
    assert (await ada.get(ME)).json["user"] is None
    assert (await other.get(ME)).json["user"]["name"] == "ada"
    late = await world.websocket()
    late.send(hello(unused))
    assert (await late.closing()).code == CloseCode.TICKET


@pytest_twisted.ensureDeferred
async def test_a_changed_password_ends_sign_ins_and_viewers(world: World):
    ada = await world.sign_in()
    _, ticket = await ada.ticket()
    viewer = await world.native()
    await viewer.welcome(ticket)
    world.gateway._store.set_password("ada", "x")
    await world.gateway._admittance.check_sign_ins()
    close = await viewer.closing()
    assert (close.code, close.reason) == (CloseCode.SIGNED_OUT, "Your sign-in is over. Sign in again.")
    assert (await ada.get(ME)).json["user"] is None


@pytest_twisted.ensureDeferred
async def test_a_ticket_is_worth_nothing_once_the_password_has_changed(world: World):
    ada = await world.sign_in()
    _, ticket = await ada.ticket()
    viewer = await world.native()
    await viewer.welcome((await ada.ticket())[1])
    world.gateway._store.set_password("ada", "x")
    late = await world.websocket()
    late.send(hello(ticket))
    close = await late.closing()
    assert (close.code, close.reason) == (CloseCode.SIGNED_OUT, "Your sign-in is over. Sign in again.")
    assert len(world.host_requests("attach")) == 1  # nobody was thrown out for it


@pytest_twisted.ensureDeferred
async def test_a_full_disk_is_said(world: World):
    store = world.gateway._store
    with store._engine.connect() as connection:  # of the pool's one connection, that the gateway uses, too
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    people = [{"name": name, "password": f"{name}'s password"} for name in ("ada", "bob")]
    answers = [await world.request("POST", LOGIN, people[number % 2]) for number in range(120)]
    full = next(answer for answer in answers if answer.status != 200)
    assert (full.status, full.code) == (503, "disk_full")
    said = "The server's disk is full. Its administrator has to make room there."
    assert full.json["error"]["message"] == said


@pytest_twisted.ensureDeferred
async def test_no_other_site_can_use_a_sign_in(world: World):
    ada = await world.sign_in()
    for origin in ("https://evil.example", "null", "http://localhost", f"{world.origin}.evil.example"):
        answer = await ada.post(LOGOUT, origin=origin)
        assert (answer.status, answer.code) == (403, "wrong_origin")
    assert (await ada.post(LOGOUT, origin=None)).code == "wrong_origin"
    login = await world.request("POST", LOGIN, WRONG, origin="https://evil.example")
    assert login.code == "wrong_origin"
    form = await ada.post(LOGOUT, headers={"Content-Type": "text/plain"})
    assert (form.status, form.code) == (415, "not_json")
    assert (await ada.get(ME)).status == 200


@pytest_twisted.ensureDeferred
async def test_a_program_without_cookie_may_sign_in_without_an_origin(world: World):
    body = {"name": "ada", "password": "ada's password"}
    assert (await world.request("POST", LOGIN, body, origin=None)).status == 200


@pytest_twisted.ensureDeferred
async def test_bodies_are_checked(world: World):
    for body in (b"{", b"[]", b'{"name": 1}', b'{"name": "ada"}', b"\xff", b"[" * 60000):
        answer = await world.request("POST", LOGIN, body)
        assert (answer.status, answer.code) == (400, "bad_request"), body
    extra = await world.request("POST", LOGIN, {**WRONG, "admin": True})
    assert extra.code == "bad_request"
