"""The log: lines for people, JSON for programs, a line for each request; and never a secret."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pyotp
import pytest
import pytest_twisted
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import Logger, LogLevel, globalLogPublisher

from sessions.wire.tsg import SessionState
from tests.tsgateway.support import Person, World, until
from tsgateway.log import json_line, line, writer


class Log:
    """Everything that is logged, at any level, as JSON lines."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.texts = io.StringIO()
        self._observers = [writer(self.stream, json_line), writer(self.texts, line)]
        for each in self._observers:
            globalLogPublisher.addObserver(each)

    def close(self) -> None:
        for each in self._observers:
            globalLogPublisher.removeObserver(each)

    @property
    def events(self) -> list[dict]:
        return [json.loads(each) for each in self.stream.getvalue().splitlines()]


@pytest.fixture
def log():
    made = Log()
    yield made
    made.close()


def test_an_event_is_an_object_with_its_fields(log: Log):
    Logger("some.where").warn("{who} has {count}", who="zoë", count=3, state=SessionState.IDLE)
    [told] = log.events
    assert told.pop("time").endswith("Z")
    assert told == {
        "level": "warn", "namespace": "some.where", "message": "zoë has 3", "who": "zoë", "count": 3,
        "state": "IDLE",
    }  # fmt: skip


def test_a_failure_has_its_traceback_in_a_member(log: Log):
    try:
        raise ValueError("a mistake\nof two lines")
    except ValueError:
        Logger("some.where").failure("[{reference}] failed", reference="abcd")
    [told] = log.events
    assert (told["level"], told["reference"], told["message"]) == ("critical", "abcd", "[abcd] failed")
    assert "Traceback" in told["failure"]
    assert "ValueError: a mistake" in told["failure"]


values = st.none() | st.integers() | st.floats() | st.text() | st.binary() | st.lists(st.text())


@given(fields=st.dictionaries(st.text(), values), text=st.text())
def test_whatever_is_logged_is_one_line(fields, text):
    event = {"log_time": 1.75e9, "log_level": LogLevel.info, "log_format": "{text}", "text": text, **fields}
    written = json_line({**event, "log_time": 1.75e9, "log_level": LogLevel.info})
    assert written.splitlines() == [written] or "\n" not in written
    assert json.loads(written)["level"] == "info"


@pytest_twisted.ensureDeferred
async def test_each_request_has_a_line_and_its_reference(world: World, log: Log):
    ada = await world.sign_in()
    news = await world.request("GET", "/api/v1/nothing?code=secret")
    quiet = await ada.get("/api/v1/me?password=secret")
    by_reference = {each["reference"]: each for each in log.events if each.get("reference")}
    told = by_reference[news.headers["X-Request-Id"]]
    assert (told["level"], told["status"], told["path"], told["who"]) == (
        "info", 404, "/api/v1/nothing", "nobody",
    )  # fmt: skip
    told = by_reference[quiet.headers["X-Request-Id"]]
    assert (told["level"], told["status"], told["who"], told["address"]) == ("debug", 200, "ada", "127.0.0.1")
    assert "secret" not in log.stream.getvalue()


@pytest_twisted.ensureDeferred
async def test_no_secret_is_in_the_log_or_the_audit(log: Log):
    """A day of a gateway: whatever people know, or are given, that lets somebody in is written nowhere."""
    world = World()
    try:
        await world.start()
        secrets = await a_day_of(world)
    finally:
        folder = world.gateway.layout.audit
        await world.gateway.stop()
    try:
        assert len(log.events) > 20
        written = [log.stream.getvalue(), log.texts.getvalue()]
        written += [path.read_text(errors="replace") for path in sorted(folder.glob("*.jsonl"))]
        assert "sign-in.accepted" in written[2]
        assert "own.change-password" in written[2]
        found = [
            (name, number)
            for number, text in enumerate(written)
            for name, secret in secrets
            if secret in text
        ]
        assert found == []
    finally:
        world._folder.cleanup()


async def a_day_of(world: World) -> list[tuple[str, str]]:
    """Do what people do; return what must not be seen, by what it is."""
    ada = await world.sign_in()
    secrets = [
        ("ada's password", "ada's password"),
        ("bob's password", "bob's password"),
        ("cookie", ada.cookie),
    ]
    wrong = "a wrong password, perhaps of another place"
    for body in ({"name": "ada", "password": wrong}, {"name": wrong, "password": "x"}):
        assert (await world.request("POST", "/api/v1/login", body)).status == 401
    secrets.append(("a wrong password", wrong))
    made = await ada.post("/api/v1/tokens", {"name": "ci", "days": 1})
    token = made.json["secret"]
    secrets.append(("an API token", token))
    for word in (token, f"{token}x"):
        await world.request("GET", "/api/v1/me", headers={"Authorization": f"Bearer {word}"})
    answer = await ada.post("/api/v1/desktops/one/connect", {"width": 800, "height": 600})
    session, ticket = answer.json["session"], answer.json["ticket"]
    secrets.append(("a ticket", ticket))
    viewer = await world.native()
    await viewer.welcome(base64.urlsafe_b64decode(ticket))
    again = await world.native()
    again.send(b"\x00" + base64.urlsafe_b64decode(ticket))
    await until(lambda: world.gateway.viewers == 1, "the viewer")
    viewer.line.cut()
    await world.request("GET", f"/api/v1/me?token={ada.cookie}")
    await world.request("GET", "/api/v1/nowhere", headers={"Authorization": f"Basic {ada.cookie}"})
    await ada.post(f"/api/v1/sessions/{session}/reset")
    secrets += await second_factor_of(world, ada)
    for path, body, status in (
        ("/api/v1/account/password", {"old": "ada's password", "new": "another long password"}, 204),
        ("/api/v1/users", {"name": "eve", "password": "the password that eve was given"}, 200),
        ("/api/v1/users/bob/password", {"password": "what bob is to be known by"}, 200),
        ("/api/v1/users/bob/password", {"password": "sh0rt!x"}, 400),
        ("/api/v1/logout", {}, 204),
    ):
        answer = await ada.post(path, body)
        assert answer.status == status, (path, answer)
        secrets += [(f"{path} {name}", value) for name, value in body.items() if name not in ("name", "old")]
    key = (Path(world.gateway.layout.audit) / "key.pem").read_text().splitlines()[1]
    return [*secrets, ("the audit's key", key)]


async def second_factor_of(world: World, ada: Person) -> list[tuple[str, str]]:
    """Set up a second factor, sign in with a recovery code, a wrong and a right one; return the secrets."""
    setup = (await ada.post("/api/v1/account/totp", {"password": "ada's password"})).json
    used = [pyotp.TOTP(setup["secret"]).now()]
    made = await ada.post("/api/v1/account/totp/confirm", {"code": used[0]})
    assert made.status == 200, made
    codes = made.json["recovery_codes"]
    body = {"name": "ada", "password": "ada's password"}
    for recovery in ("not-a-code", codes[0]):
        challenge = (await world.request("POST", "/api/v1/login", body)).json["next"]["challenge"]
        used.append(challenge)
        second = {"challenge": challenge, "recovery": recovery}
        answer = await world.request("POST", "/api/v1/login/second", second)
    assert answer.status == 200, answer
    used.append(answer.headers["Set-Cookie"].partition("=")[2].partition(";")[0])
    await ada.post("/api/v1/account/totp/remove", {"recovery": codes[1]})
    return [("the TOTP secret", setup["secret"]), *(("a code", each) for each in (*codes, *used))]
