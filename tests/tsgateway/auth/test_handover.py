"""A sign-in of the browser is handed to a program on the person's machine: once, soon, to nobody else."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_twisted

from tests.tsgateway.support import Person, World
from tsgateway.api.signing import decoded
from tsgateway.auth.handover import LIFETIME, MAX_OF_ONE, HandOvers, is_loopback
from tsgateway.pkce import challenge_of

VERIFIER, STATE = "v" * 43, "s" * 43
REDIRECT = "http://127.0.0.1:43210/"
ASKING = {"redirect": REDIRECT, "state": STATE, "challenge": challenge_of(VERIFIER)}
ASKING |= {"client": "tsclient on x"}
OFFER, TAKE = "/api/v1/hand-over", "/api/v1/login/hand-over"


@pytest_twisted.async_yield_fixture
async def world():
    made = World()
    try:
        yield await made.start()
    finally:
        await made.stop()


async def offered(person: Person, **changed) -> str:
    answer = await person.post(OFFER, ASKING | changed)
    assert answer.status == 200, answer
    location = urlsplit(answer.json["location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == changed.get("redirect", REDIRECT)
    query = parse_qs(location.query)
    assert query["state"] == [STATE]
    return query["code"][0]


def took(world: World, code: str, **changed):
    """As a program does: without a cookie, without an origin."""
    body = {"code": code, "verifier": VERIFIER, "redirect": REDIRECT} | changed
    return world.request("POST", TAKE, body, origin=None)


async def refused(answer) -> None:
    answer = await answer
    assert (answer.status, answer.code) == (403, "refused"), answer
    assert "Set-Cookie" not in answer.headers


def test_what_a_challenge_is():
    # the example of RFC 7636, appendix B
    assert (
        challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


@pytest_twisted.ensureDeferred
async def test_a_program_gets_a_sign_in_of_its_own(world: World):
    noted = []
    journal = type("Noted", (), {"note": lambda self, one: noted.append(one)})()
    world.gateway._sign_in.hand_overs._journal = journal
    bob = await world.sign_in("bob")
    answer = await took(world, await offered(bob))
    assert answer.status == 200
    assert answer.json["user"]["name"] == "bob"
    assert answer.json["next"] is None
    program = Person(world, answer.headers["Set-Cookie"].partition("=")[2].partition(";")[0])
    assert program.cookie != bob.cookie
    assert (await program.get("/api/v1/account")).json["method"] == "password"
    assert (await bob.post("/api/v1/logout")).status == 204
    assert (await program.get("/api/v1/account")).status == 200
    told = [(each.kind, each.who, each.outcome, each.details.get("client")) for each in noted]
    assert told == [
        ("sign-in.offered", "bob", "allowed", "tsclient on x"),
        ("sign-in.accepted", "bob", "accepted", "tsclient on x"),
    ]


@pytest_twisted.ensureDeferred
async def test_a_code_counts_once_and_for_whom_it_was_asked(world: World):
    bob = await world.sign_in("bob")
    code = await offered(bob)
    assert (await took(world, code)).status == 200
    await refused(took(world, code))
    for changed in ({"verifier": "w" * 43}, {"redirect": "http://127.0.0.1:43211/"}):
        code = await offered(bob)
        await refused(took(world, code, **changed))
        await refused(took(world, code))  # nor rightly afterwards
        assert (await took(world, await offered(bob))).status == 200  # who is right has not guessed
    await refused(took(world, ""))
    await refused(took(world, "A" * 43))


@pytest_twisted.ensureDeferred
async def test_a_code_is_good_for_a_minute_and_ends_with_its_sign_in(world: World):
    bob = await world.sign_in("bob")
    codes = world.gateway._sign_in.hand_overs
    now = codes._monotonic()
    early, late = await offered(bob), await offered(bob)
    codes._monotonic = lambda: now + LIFETIME - 1
    assert (await took(world, early)).status == 200
    codes._monotonic = lambda: now + LIFETIME + 10
    await refused(took(world, late))
    gone = await offered(bob)
    await bob.post("/api/v1/logout")
    await refused(took(world, gone))


@pytest.mark.parametrize(
    "redirect",
    [
        "https://127.0.0.1:1/", "http://localhost:1/", "http://127.0.0.1/", "http://127.0.0.1:0/",
        "http://127.0.0.1:65536/", "http://127.0.0.1:1@evil.example/", "http://evil.example:1/",
        "http://127.0.0.1.evil.example:1/", "http://127.0.0.1:1/?code=mine", "http://127.0.0.1:1/#x",
        "http://127.0.0.1:1/a/../b", "http://127.0.0.1:1/\n", "http://[::1]:1/\r\nSet-Cookie: a=b",
        "http://[::ffff:192.0.2.1]:1/", "http://127.1:1/", "http://2130706433:1/", "tsclient://127.0.0.1:1/",
        "javascript:alert(1)", "", " http://127.0.0.1:1/", "http://127.0.0.1:１/",
    ],
)  # fmt: skip
@pytest_twisted.ensureDeferred
async def test_a_code_leads_to_this_machine_only(world: World, redirect: str):
    assert not is_loopback(redirect)
    bob = await world.sign_in("bob")
    answer = await bob.post(OFFER, ASKING | {"redirect": redirect})
    assert (answer.status, answer.code) == (403, "refused")


def test_any_port_and_a_path_will_do():
    assert all(map(is_loopback, ("http://127.0.0.1:1", "http://127.0.0.1:65535/a_b-1", "http://[::1]:80/")))


@pytest.mark.parametrize(
    "changed",
    [{"state": "short"}, {"state": "a b" * 8}, {"challenge": "x" * 42}, {"challenge": "=" * 43},
     {"client": ""}, {"client": "two\nlines"}, {"client": "x" * 81}, {"more": 1}],
)  # fmt: skip
@pytest_twisted.ensureDeferred
async def test_what_is_no_such_question(world: World, changed: dict):
    bob = await world.sign_in("bob")
    answer = await bob.post(OFFER, ASKING | changed)
    assert (answer.status, answer.code) == (400, "bad_request")


@pytest_twisted.ensureDeferred
async def test_no_other_page_and_no_token_hands_over(world: World):
    bob = await world.sign_in("bob")
    answer = await bob.post(OFFER, ASKING, origin="https://evil.example")
    assert (answer.status, answer.code) == (403, "wrong_origin")
    secret = (await bob.post("/api/v1/tokens", {"name": "script"})).json["secret"]
    headers = {"Authorization": f"Bearer {secret}"}
    answer = await world.request("POST", OFFER, ASKING, headers=headers, origin=None)
    assert (answer.status, answer.code) == (403, "no_right")


@pytest_twisted.ensureDeferred
async def test_who_guesses_waits_and_nobody_else(world: World):
    bob = await world.sign_in("bob")
    code = await offered(bob)
    for _ in range(5):
        await refused(took(world, "B" * 43))
    answer = await took(world, "B" * 43)
    assert (answer.status, answer.code) == (429, "too_many_attempts")
    codes: HandOvers = world.gateway._sign_in.hand_overs
    taken = await codes.take(decoded(code), VERIFIER, REDIRECT, "192.0.2.99")
    assert taken[0].account.name == "bob"


@pytest_twisted.ensureDeferred
async def test_who_asks_for_many_loses_the_oldest(world: World):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    other = await offered(ada)
    codes = [await offered(bob) for _ in range(MAX_OF_ONE + 1)]
    await refused(took(world, codes[0]))
    assert (await took(world, codes[-1])).status == 200
    assert (await took(world, other)).json["user"]["name"] == "ada"
    assert len(world.gateway._sign_in.hand_overs._codes) == MAX_OF_ONE - 1
