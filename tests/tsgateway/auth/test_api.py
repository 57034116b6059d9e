"""Sign-in steps, one's own account, accounts and groups, over a real socket."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pyotp
import pytest
import pytest_twisted

from tests.tsgateway.support import CHEAP, Person, World
from tsgateway.auth.totp import STEP

LOGIN = "/api/v1/login"
NEW = "seven green bicycles"


class Time:
    """The time as second factors have it: it goes on when it is told to."""

    def __init__(self, world: World) -> None:
        self.now = 1_900_000_000.0
        world.gateway._sign_in.factors._wall = lambda: self.now

    def code(self, secret: str) -> str:
        self.now += STEP
        return pyotp.TOTP(secret).at(self.now)


@asynccontextmanager
async def running(**sections):
    made = World(**sections)
    try:
        yield await made.start()
    finally:
        await made.stop()


async def login(world: World, name: str, password: str | None = None):
    body = {"name": name, "password": password or f"{name}'s password"}
    return await world.request("POST", LOGIN, body)


async def second(world: World, step, **answer):
    return await world.request("POST", f"{LOGIN}/second", {"challenge": step["challenge"], **answer})


def person(world: World, answer) -> Person:
    return Person(world, answer.headers["Set-Cookie"].partition("=")[2].partition(";")[0])


async def call(who: Person, method: str, path: str, body=None):
    headers = {} if body is None else {"Content-Type": "application/json"}
    headers["Origin"] = who.world.origin
    return await who.world.request(method, f"/api/v1/{path}", body, cookie=who.cookie, headers=headers)


async def enrol(who: Person, time: Time, password: str = "bob's password") -> tuple[str, list[str]]:
    begun = (await who.post("/api/v1/account/totp", {"password": password})).json
    confirmed = await who.post("/api/v1/account/totp/confirm", {"code": time.code(begun["secret"])})
    assert confirmed.status == 200, confirmed
    return begun["secret"], confirmed.json["recovery_codes"]


@pytest_twisted.ensureDeferred
async def test_who_finds_a_screen_unlocked_sets_up_no_second_factor(world: World):
    bob = await world.sign_in("bob")
    for _ in range(2):
        begun = await bob.post("/api/v1/account/totp", {"password": "a guess"})
        assert (begun.status, begun.code) in ((401, "wrong_password"), (403, "wrong_password"))
    assert (await bob.post("/api/v1/account/totp", {})).code == "bad_request"
    assert (await bob.post("/api/v1/account/totp/confirm", {"code": "123456"})).status >= 400
    assert not (await bob.get("/api/v1/account")).json["totp"]


@pytest_twisted.ensureDeferred
async def test_a_second_factor_is_set_up_asked_for_and_removed(world: World):
    time = Time(world)
    bob = await world.sign_in("bob")
    secret, codes = await enrol(bob, time)
    account = (await bob.get("/api/v1/account")).json
    assert (account["totp"], account["recovery_codes"], account["method"]) == (True, 10, "password")

    first = await login(world, "bob")
    assert first.json["user"] is None
    assert "Set-Cookie" not in first.headers
    step = first.json["next"]
    assert (step["step"], step["secret"]) == ("code", "")
    wrong = await second(world, step, code="000000")
    assert (wrong.status, wrong.code) == (401, "wrong_code")
    code = time.code(secret)
    done = await second(world, step, code=code)
    assert done.json["user"]["name"] == "bob"
    again = person(world, done)
    assert (await again.get("/api/v1/account")).json["method"] == "password+totp"

    used = await second(world, step, code=time.code(secret))
    assert (used.status, used.code) == (410, "challenge_over")  # for one sign-in
    step = (await login(world, "bob")).json["next"]
    replayed = await second(world, step, code=code)
    assert replayed.code == "wrong_code"
    assert (await second(world, step, recovery=codes[0])).status == 200

    removed = await again.post("/api/v1/account/totp/remove", {"code": time.code(secret)})
    assert removed.status == 204
    assert (await login(world, "bob")).json["next"] is None


@pytest_twisted.ensureDeferred
async def test_two_requests_with_one_code_make_one_sign_in(world: World):
    time = Time(world)
    secret, _ = await enrol(await world.sign_in("bob"), time)
    steps = [(await login(world, "bob")).json["next"] for _ in range(2)]
    code = time.code(secret)
    asking = [
        pytest_twisted.defer.ensureDeferred(second(world, step, code=code)) for step in (*steps, steps[0])
    ]
    statuses = sorted([(await each).status for each in asking])
    assert statuses.count(200) == 1, statuses


@pytest_twisted.ensureDeferred
async def test_who_needs_a_second_factor_sets_it_up_at_the_next_sign_in():
    async with running(sign_in={"require_totp": ["users"]}) as world:
        time = Time(world)
        step = (await login(world, "bob")).json["next"]
        assert step["step"] == "enrol"
        assert step["uri"].startswith("otpauth://totp/tsgateway:bob?")
        assert step["qr"].startswith("<svg")
        shown = await world.request("POST", f"{LOGIN}/step", {"challenge": step["challenge"]})
        assert shown.json["next"]["secret"] == step["secret"]
        assert (await second(world, step, code="123456")).code == "wrong_code"
        done = await second(world, step, code=time.code(step["secret"]))
        assert len(done.json["recovery_codes"]) == 10
        bob = person(world, done)
        account = (await bob.get("/api/v1/account")).json
        assert (account["totp"], account["totp_required"]) == (True, True)
        kept = await bob.post("/api/v1/account/totp/remove", {"code": time.code(step["secret"])})
        assert (kept.status, kept.code) == (403, "totp_required")
        assert (await login(world, "bob")).json["next"]["step"] == "code"


@pytest_twisted.ensureDeferred
async def test_a_challenge_is_for_whoever_began(world: World):
    time = Time(world)
    secret, _ = await enrol(await world.sign_in("bob"), time)
    for challenge in ("", "x", "A" * 43, "é" * 20):
        answer = await second(world, {"challenge": challenge}, code="123456")
        assert answer.code == "challenge_over"
    step = (await login(world, "bob")).json["next"]
    for waiting in world.gateway._sign_in._challenges._waiting.values():
        waiting.address = "192.0.2.9"
    assert (await second(world, step, code=time.code(secret))).code == "challenge_over"


@pytest_twisted.ensureDeferred
async def test_a_new_password_is_asked_for_where_it_is_due(world: World):
    ada = await world.sign_in("ada")
    bob = await world.sign_in("bob")
    made = await call(ada, "POST", "users/bob/password", {"password": None})
    password = made.json["password"]
    assert (await bob.get("/api/v1/me")).json["user"] is None
    step = (await login(world, "bob", password)).json["next"]
    assert step["step"] == "password"
    for poor in ("short", "bob bob bob", "password1234", password):
        answer = await second(world, step, password=poor)
        assert (answer.status, answer.code) == (400, "poor_password"), poor
    done = await second(world, step, password=NEW)
    assert done.json["user"]["name"] == "bob"
    assert (await login(world, "bob", NEW)).json["next"] is None


@pytest_twisted.ensureDeferred
async def test_one_changes_ones_own_password(world: World):
    bob = await world.sign_in("bob")
    other = await world.sign_in("bob")
    wrong = await bob.post("/api/v1/account/password", {"old": "no", "new": NEW})
    assert (wrong.status, wrong.code) == (403, "wrong_password")
    poor = await bob.post("/api/v1/account/password", {"old": "bob's password", "new": "bob"})
    assert (poor.status, poor.code) == (400, "poor_password")
    assert (await bob.post("/api/v1/account/password", {"old": "bob's password", "new": NEW})).status == 204
    assert (await bob.get("/api/v1/me")).json["user"]["name"] == "bob"
    assert (await other.get("/api/v1/me")).json["user"] is None
    assert (await login(world, "bob")).status == 401
    assert (await login(world, "bob", NEW)).status == 200


@pytest_twisted.ensureDeferred
async def test_an_old_hash_is_renewed_at_the_next_sign_in(world: World):
    store = world.gateway._store
    from argon2 import PasswordHasher

    old = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash("bob's password")
    store.set_password("bob", old)
    await world.sign_in("bob")
    assert store.user("bob").password != old
    assert not CHEAP.is_outdated(store.user("bob").password)
    await world.sign_in("bob")


@pytest_twisted.ensureDeferred
async def test_ones_own_sign_ins_are_listed_and_ended(world: World):
    bob, other, third = [await world.sign_in("bob") for _ in range(3)]
    rows = (await bob.get("/api/v1/account/sign-ins")).json["sign_ins"]
    assert [row["address"] for row in rows] == ["127.0.0.1"] * 3
    assert sum(row["current"] for row in rows) == 1
    theirs = next(
        row["id"] for row in (await other.get("/api/v1/account/sign-ins")).json["sign_ins"] if row["current"]
    )
    assert (await call(bob, "DELETE", f"account/sign-ins/{theirs}")).status == 204
    assert (await other.get("/api/v1/me")).json["user"] is None
    assert (await call(bob, "DELETE", f"account/sign-ins/{theirs}")).code == "no_such_sign_in"
    assert (await call(bob, "DELETE", "account/sign-ins")).status == 204
    assert (await third.get("/api/v1/me")).json["user"] is None
    assert (await bob.get("/api/v1/me")).json["user"]["name"] == "bob"


@pytest_twisted.ensureDeferred
async def test_administrators_keep_accounts(world: World):
    ada = await world.sign_in("ada")
    made = await call(ada, "POST", "users", {"name": "eve", "display_name": "Eve", "groups": ["desk"]})
    assert made.json["groups"] == ["desk", "users"]
    assert (await call(ada, "POST", "users", {"name": "eve"})).code == "name_taken"
    step = (await login(world, "eve", made.json["password"])).json["next"]
    eve = person(world, await second(world, step, password=NEW))
    listed = (await ada.get("/api/v1/users")).json["users"]
    assert [user["name"] for user in listed] == ["ada", "bob", "eve"]
    rows = (await ada.get("/api/v1/users/eve/sign-ins")).json["sign_ins"]
    assert [row["method"] for row in rows] == ["password"]
    changed = await call(ada, "PATCH", "users/eve", {"display_name": "Eve E.", "enabled": False})
    assert (changed.json["display_name"], changed.json["enabled"]) == ("Eve E.", False)
    assert (await eve.get("/api/v1/me")).json["user"] is None
    assert (await login(world, "eve", NEW)).code == "wrong_password"
    assert (await call(ada, "PATCH", "users/eve", {"enabled": True})).status == 200
    assert (await login(world, "eve", NEW)).status == 200
    assert (await call(ada, "DELETE", "users/eve/sign-ins")).status == 204
    assert (await ada.get("/api/v1/users/eve/sign-ins")).json["sign_ins"] == []
    assert (await call(ada, "DELETE", "users/eve")).status == 204
    assert (await ada.get("/api/v1/users/eve")).code == "no_such_user"


@pytest_twisted.ensureDeferred
async def test_administrators_remove_second_factors(world: World):
    time = Time(world)
    await enrol(await world.sign_in("bob"), time)
    ada = await world.sign_in("ada")
    step = (await login(world, "bob")).json["next"]
    assert (await call(ada, "DELETE", "users/bob/totp")).status == 204
    assert (await second(world, step, code="000000")).code == "challenge_over"
    assert (await login(world, "bob")).json["next"] is None
    assert (await call(ada, "DELETE", "users/bob/totp")).code == "no_factor"


@pytest_twisted.ensureDeferred
async def test_groups_are_kept(world: World):
    ada = await world.sign_in("ada")
    assert (await call(ada, "POST", "groups", {"name": "desk", "description": "Front desk"})).status == 204
    assert (await call(ada, "POST", "groups", {"name": "desk"})).code == "name_taken"
    assert (await call(ada, "POST", "groups", {"name": "De sk"})).code == "bad_request"
    assert (await call(ada, "PUT", "groups/desk/members/bob")).status == 204
    assert (await ada.get("/api/v1/groups/desk/members")).json == {"members": ["bob"]}
    found = (await ada.get("/api/v1/groups")).json["groups"]
    assert {group["name"]: group["members"] for group in found} == {
        "administrators": 1,
        "desk": 1,
        "users": 2,
    }
    assert (await call(ada, "PATCH", "groups/desk", {"description": "x"})).status == 204
    assert (await call(ada, "DELETE", "groups/desk/members/bob")).status == 204
    assert (await call(ada, "DELETE", "groups/desk")).status == 204
    assert (await ada.get("/api/v1/groups/desk/members")).code == "no_such_group"
    assert (await call(ada, "DELETE", "groups/users")).code == "kept"
    assert (await call(ada, "DELETE", "groups/administrators/members/ada")).code == "last_administrator"


ADMINISTRATION = [
    ("GET", "users", None),
    ("POST", "users", {"name": "eve"}),
    ("GET", "users/ada", None),
    ("PATCH", "users/ada", {"enabled": False}),
    ("DELETE", "users/ada", None),
    ("POST", "users/ada/password", {}),
    ("DELETE", "users/ada/totp", None),
    ("GET", "users/ada/sign-ins", None),
    ("DELETE", "users/ada/sign-ins", None),
    ("GET", "groups", None),
    ("POST", "groups", {"name": "desk"}),
    ("PATCH", "groups/users", {"description": "x"}),
    ("DELETE", "groups/users", None),
    ("GET", "groups/users/members", None),
    ("PUT", "groups/administrators/members/bob", None),
    ("DELETE", "groups/administrators/members/ada", None),
]


@pytest_twisted.ensureDeferred
async def test_nobody_else_may(world: World):
    bob = await world.sign_in("bob")
    for method, path, body in ADMINISTRATION:
        answer = await call(bob, method, path, body)
        assert (answer.status, answer.code) == (403, "no_right"), path


@pytest_twisted.ensureDeferred
async def test_nobody_becomes_more_than_they_are_by_keeping_accounts(world: World):
    """An operator keeps accounts, but not those of owners, and makes nobody an owner."""
    world.gateway._store.roles.give("operator", "bob", None, None)
    bob = await world.sign_in("bob")
    assert (await call(bob, "POST", "users", {"name": "eve"})).status == 200
    assert (await call(bob, "PUT", "groups/users/members/eve")).status == 204
    for method, path, body in (
        ("POST", "users/ada/password", {}),
        ("PATCH", "users/ada", {"source": "local"}),
        ("DELETE", "users/ada/totp", None),
        ("DELETE", "users/ada/sign-ins", None),
        ("DELETE", "users/ada", None),
        ("POST", "users", {"name": "mallory", "groups": ["administrators"]}),
        ("PUT", "groups/administrators/members/bob", None),
        ("DELETE", "groups/administrators/members/ada", None),
    ):
        answer = await call(bob, method, path, body)
        assert (answer.status, answer.code) == (403, "beyond_you"), path
    assert "administrators" in world.gateway._store.user("ada").groups


@pytest_twisted.ensureDeferred
async def test_an_owner_changes_accounts_of_every_role(world: World):
    ada = await world.sign_in("ada")
    world.gateway._store.roles.give("helpdesk", "bob", None, None)
    assert (await call(ada, "PATCH", "users/bob", {"display_name": "Bob"})).status == 200
    assert (await call(ada, "DELETE", "users/bob/sign-ins", None)).status == 204


@pytest_twisted.ensureDeferred
async def test_a_programs_token_cannot_take_an_account_over(world: World):
    bob = await world.sign_in("bob")
    secret = (await bob.post("/api/v1/tokens", {"name": "script"})).json["secret"]
    headers = {"Authorization": f"Bearer {secret}"}
    ours = "bob's password"
    for path, body in (("totp", {"password": ours}), ("password", {"old": ours, "new": NEW})):
        answer = await world.request("POST", f"/api/v1/account/{path}", body, headers=headers, origin=None)
        assert (answer.status, answer.code) == (403, "no_right")


@pytest_twisted.ensureDeferred
async def test_what_is_noted_of_signing_in(world: World):
    noted = []
    world.gateway._sign_in._journal = type("Noted", (), {"note": lambda self, event: noted.append(event)})()
    await world.sign_in("bob")
    await login(world, "bob", "wrong")
    await login(world, "my secret", "wrong")
    assert [(event.kind, event.who, event.address) for event in noted] == [
        ("sign-in.accepted", "bob", "127.0.0.1"),
        ("sign-in.refused", "bob", "127.0.0.1"),
        ("sign-in.refused", "nobody's name", "127.0.0.1"),
    ]


@pytest.mark.parametrize("body", [{}, {"challenge": 1}, {"challenge": "x", "code": "1" * 33}, {"x": 1}])
@pytest_twisted.ensureDeferred
async def test_bodies_of_steps_are_checked(world: World, body):
    answer = await world.request("POST", f"{LOGIN}/second", body)
    assert (answer.status, answer.code) == (400, "bad_request")
