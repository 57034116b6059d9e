"""Authenticators that behave badly: nobody is let in by them, and nobody else notices."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from pydantic import BaseModel
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.logger import eventAsText, globalLogPublisher

from sessions import plugins
from tests.contracts.authenticator_contract import PasswordContract
from tests.tsgateway.auth.support import HERE, PASSWORD, House, at_once, result
from tsgateway.auth.asking import ASK_SECONDS, MAX_ASKED, PAUSE, Source
from tsgateway.auth.authenticators.base import (
    Declined,
    Departure,
    Identity,
    SettingsWrong,
    Surroundings,
    Unavailable,
)
from tsgateway.auth.authenticators.local import Local
from tsgateway.auth.errors import Busy, Refused, SourceAway, WrongPassword
from tsgateway.config.authenticators import AuthenticatorSection, OtherSection
from tsgateway.errors import StartError
from tsgateway.store import StoreUnavailable

ADA = Identity("key-1", "ada", "Ada", frozenset({"Staff"}))


class Fake:
    """Answers what it is told to."""

    Settings: ClassVar[type[BaseModel]] = AuthenticatorSection
    answer: ClassVar[Any] = ADA

    def __init__(self, name, settings, around) -> None:
        self.asked = 0

    async def check(self, name, password):
        self.asked += 1
        answer = type(self).answer
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, Deferred):
            return await answer
        return answer

    def close(self) -> None:
        raise OSError("it does not want to go")


class Stubborn(Fake):
    """Goes on when it is told to stop."""

    async def check(self, name, password):
        while True:
            try:
                await Deferred()
            except CancelledError:
                continue


class Sending(Fake):
    """Sends people elsewhere."""

    departure: ClassVar[Any] = Departure("https://id.example.org/", {"x": "y"})

    async def begin(self, callback, state):
        return type(self).departure

    async def finish(self, kept, callback, query):
        return await self.check("", "")


@pytest.fixture
def fake(monkeypatch):
    """Have [authenticators] of kind "fake" made of a class."""

    def install(kind=Fake, answer=ADA):
        load = plugins.load
        chosen = type("Chosen", (kind,), {"answer": answer})
        monkeypatch.setattr(
            plugins, "load", lambda what, name: chosen if name == "fake" else load(what, name)
        )
        return chosen

    return install


@pytest.fixture
def source(fake):
    def make(kind=Fake, answer=ADA, **section):
        fake(kind, answer)
        around = Surroundings(Clock(), at_once, lambda: 0.0, None)
        made = Source("corp", OtherSection.model_validate({"kind": "fake", **section}), around)
        made.clock = around.reactor
        return made

    return make


@pytest.fixture
def house(fake, tmp_path):
    def make(kind=Fake, answer=ADA, **section):
        fake(kind, answer)
        section = {"kind": "fake", "create": True, "groups": {"staff": "desk"}, **section}
        return House(tmp_path / "data", authenticators={"corp": section})

    return make


@pytest.fixture
def logged():
    events: list = []
    globalLogPublisher.addObserver(events.append)
    yield lambda: "\n".join(eventAsText(event) for event in events)
    globalLogPublisher.removeObserver(events.append)


# ---- one that is right


def test_who_is_let_in(source):
    assert result(source().check("ada", "x")) == ADA
    assert result(source(answer=None).check("ada", "x")) is None


class TestLocal(PasswordContract):
    right = ("bob", PASSWORD)

    @pytest.fixture
    def local(self, tmp_path):
        return House(tmp_path / "data")

    @pytest.fixture
    def make(self, local):
        around = Surroundings(local.clock, at_once, lambda: 0.0, local.sign_in.local)
        return lambda: Local("local", None, around)

    test_whom_it_asks_is_away = None  # the database's absence is another error: see below

    def test_the_database_is_away(self, local, monkeypatch):
        def away(name):
            raise StoreUnavailable("away")

        monkeypatch.setattr(local.store, "user", away)
        with pytest.raises(StoreUnavailable):
            result(local.sign_in.sign_in("bob", PASSWORD, HERE))


# ---- those that are not


@pytest.mark.parametrize(
    "answer",
    [
        True,
        "ada",
        ("key", "ada", "", frozenset()),
        ADA._replace(name="bob"),
        ADA._replace(name="administrator"),
        ADA._replace(name="Ada"),
        ADA._replace(name="ada\n"),
        ADA._replace(name=""),
        ADA._replace(name=b"ada"),
        ADA._replace(key=""),
        ADA._replace(key="k" * 1_000_000),
        ADA._replace(key=None),
        ADA._replace(key="a\0b"),
        ADA._replace(key="a\n2026-01-01 00:00:00 signed in: ada"),
        ADA._replace(display_name=7),
        ADA._replace(groups=["Staff"]),
        ADA._replace(groups=frozenset({"g" * 1_000_000})),
        ADA._replace(groups=frozenset(str(number) for number in range(10_001))),
        ADA._replace(groups=frozenset({7})),
    ],
    ids=lambda answer: str(answer)[:60],
)
def test_answers_of_the_wrong_form_let_nobody_in(source, logged, answer):
    with pytest.raises(Unavailable, match="corp cannot be reached"):
        result(source(answer=answer).check("ada", "secret"))
    assert "no sign-in by fake:corp" in logged()
    assert len(logged()) < 4000
    assert "secret" not in logged()


def test_long_names_to_show_are_cut(source):
    shown = result(
        source(answer=ADA._replace(display_name="A\n\x1b[31m" + "x" * 1_000_000)).check("ada", "x")
    )
    assert shown.display_name.startswith("A[31mxx")
    assert len(shown.display_name) <= 128


@pytest.mark.parametrize("error", [ValueError("secret"), KeyError("x"), RecursionError(), MemoryError()])
def test_whatever_it_raises_is_a_sentence(source, logged, error):
    with pytest.raises(Unavailable, match="corp cannot be reached"):
        result(source(answer=error).check("ada", "x"))
    assert f"it failed: {type(error).__name__}" in logged()


def test_others_words_make_no_lines_in_the_log(source, logged):
    away = Unavailable("It is away.", "down\n2026-01-01 00:00:00 signed in: ada\x1b[31m" + "x" * 10_000)
    with pytest.raises(Unavailable):
        result(source(answer=away).check("ada", "x"))
    assert "down 2026-01-01" in logged()
    assert logged().count("\n") == 0
    assert "\x1b" not in logged()
    assert len(logged()) < 1200


@pytest.mark.parametrize("kind", [Fake, Stubborn])
def test_one_that_never_answers_is_waited_for_so_long(source, kind):
    mine = source(kind, answer=Deferred())
    outcome: list = []
    Deferred.fromCoroutine(mine.check("ada", "x")).addBoth(outcome.append)
    mine.clock.advance(ASK_SECONDS - 0.1)
    assert outcome == []
    mine.clock.advance(0.2)
    assert outcome[0].check(Unavailable)
    with pytest.raises(Unavailable):  # and left alone for a moment
        result(mine.check("ada", "x"))


def test_one_that_was_just_away_is_left_alone_for_a_moment(source):
    mine = source(answer=Unavailable("It is away.", "10.0.0.1 does not answer"))
    for _ in range(3):
        with pytest.raises(Unavailable):
            result(mine.check("ada", "x"))
    assert mine._made.asked == 1
    mine.clock.advance(PAUSE)
    with pytest.raises(Unavailable, match="It is away"):
        result(mine.check("ada", "x"))
    assert mine._made.asked == 2


def test_only_so_many_ask_at_once(source):
    mine = source(answer=Deferred())
    asking = [Deferred.fromCoroutine(mine.check("ada", "x")) for _ in range(MAX_ASKED)]
    with pytest.raises(Busy):
        result(mine.check("ada", "x"))
    for each in asking:
        each.addErrback(lambda failure: failure.trap(Unavailable))
    mine.clock.advance(ASK_SECONDS)
    assert mine._asked == 0


def test_one_that_does_not_want_to_go(source, logged):
    source().close()
    assert "cannot be closed" in logged()


ELSEWHERE = [
    None,
    "https://x",
    Departure("javascript:alert(1)", {}),
    Departure("https://" + "x" * 1_000_000, {}),
]


@pytest.mark.parametrize("departure", ELSEWHERE, ids=["none", "text", "script", "long"])
def test_addresses_that_are_none_send_nobody(source, departure):
    mine = source(Sending)
    type(mine._made).departure = departure
    with pytest.raises(Unavailable):
        result(mine.begin("https://here/", "state"))


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"kind": "nothing"}, "there is no authenticator plug-in named 'nothing'"),
        ({"kind": "fake", "colour": "red"}, "colour: Extra inputs"),
    ],
)
def test_settings_that_do_not_fit_are_said_at_the_start(fake, section, said):
    fake()
    around = Surroundings(Clock(), at_once, lambda: 0.0, None)
    with pytest.raises(StartError, match=r"\[authenticators.corp\]") as caught:
        Source("corp", OtherSection.model_validate(section), around)
    assert said in str(caught.value)


def test_one_that_cannot_be_made(fake, monkeypatch):
    def refuse(self, name, settings, around):
        raise SettingsWrong("service: there is no such service")

    monkeypatch.setattr(fake(), "__init__", refuse)
    with pytest.raises(StartError, match="no such service"):
        Source(
            "corp", OtherSection.model_validate({"kind": "fake"}), Surroundings(Clock(), at_once, None, None)
        )


# ---- what becomes of a sign-in


def test_an_account_is_made_with_mapped_groups(house):
    made = house(answer=ADA._replace(name="eve", groups=frozenset({"STAFF", "administrators"})))
    accepted = result(made.sign_in.sign_in("Eve", "x", HERE))
    assert (accepted.subject.name, accepted.subject.method) == ("eve", "fake:corp")
    assert accepted.subject.groups == {"desk", "users"}
    assert accepted.subject.roles == frozenset()


def test_a_local_account_is_never_given_to_another_source(house):
    """It says that it knows ada, with any password; but ada's password is kept here."""
    made = house()
    with pytest.raises(WrongPassword):
        result(made.sign_in.sign_in("ada", "x", HERE))
    assert made.sign_in.sources["corp"]._made.asked == 0
    assert result(made.sign_in.sign_in("ada", PASSWORD, HERE)).subject.name == "ada"


def test_an_account_of_a_source_is_checked_by_nobody_else(house):
    made = house(answer=ADA._replace(name="eve"))
    result(made.sign_in.sign_in("eve", "x", HERE))
    made.store.set_password("eve", made.sign_in.local._passwords.hash(PASSWORD))
    type(made.sign_in.sources["corp"]._made).answer = None
    with pytest.raises(WrongPassword):
        result(made.sign_in.sign_in("eve", PASSWORD, HERE))
    del made.sign_in.sources["corp"]  # it is configured no more
    with pytest.raises(WrongPassword):
        result(made.sign_in.sign_in("eve", PASSWORD, HERE))


def test_without_create_nobody_is_asked_for_strangers(house):
    made = house(answer=ADA._replace(name="eve"), create=False)
    with pytest.raises(WrongPassword):
        result(made.sign_in.sign_in("eve", "x", HERE))
    assert made.sign_in.sources["corp"]._made.asked == 0
    made.store.add_user("eve", "", set(), 0, source="corp")
    assert result(made.sign_in.sign_in("eve", "x", HERE)).subject.name == "eve"
    assert made.store.user("eve").source_key == "key-1"


def test_who_is_disabled_is_not_asked_for(house):
    made = house(answer=ADA._replace(name="eve"))
    result(made.sign_in.sign_in("eve", "x", HERE))
    made.store.change_user("eve", enabled=False)
    with pytest.raises(WrongPassword):
        result(made.sign_in.sign_in("eve", "x", HERE))
    assert made.sign_in.sources["corp"]._made.asked == 1


def test_absence_is_nobodys_wrong_password(house):
    made = house(answer=Unavailable("Corp is away.", "10.0.0.1"))
    for _ in range(20):
        with pytest.raises(SourceAway, match="Corp is away"):
            result(made.sign_in.sign_in("eve", "x", HERE))
        made.wait(PAUSE)
    assert result(made.sign_in.sign_in("bob", PASSWORD, HERE)).subject.name == "bob"


def test_the_gateways_second_factor_is_asked_for_after_a_directory_too(house, tmp_path):
    made = house(answer=ADA._replace(name="eve"))
    result(made.sign_in.sign_in("eve", "x", HERE))
    made.store.factors.set("eve", b"sealed", 0, [])
    assert result(made.sign_in.sign_in("eve", "x", HERE)).step.value == "code"


# ---- ways round


def gone(made, address=HERE):
    departure, browser = result(made.sign_in.leave("corp", "https://here/back", address))
    return departure, browser, next(reversed(made.sign_in._redirects._away))


def test_who_comes_back_with_the_state_and_the_browser_is_let_in_once(house, monkeypatch):
    made = house(Sending, answer=ADA._replace(name="eve"))
    states: list[str] = []
    kind = type(made.sign_in.sources["corp"]._made)

    async def begin(self, callback, state):
        states.append(state)
        return Departure("https://id.example.org/", {"x": "y"})

    monkeypatch.setattr(kind, "begin", begin)
    _, browser, _ = gone(made)
    _, other_browser, _ = gone(made)
    with pytest.raises(Refused, match="not begun in this browser"):
        result(made.sign_in.back("corp", {"state": states[1]}, browser, HERE))
    for query in ({}, {"state": ""}, {"state": "x" * 64}, {"state": states[1]}):
        with pytest.raises(Refused):
            result(made.sign_in.back("corp", query, other_browser, HERE))
    accepted = result(made.sign_in.back("corp", {"state": states[0]}, browser, "192.0.2.77"))
    assert accepted.subject.method == "fake:corp"
    with pytest.raises(Refused):
        result(made.sign_in.back("corp", {"state": states[0]}, browser, HERE))
    _, browser, _ = gone(made)
    made.wait(601)
    with pytest.raises(Refused):
        result(made.sign_in.back("corp", {"state": states[2]}, browser, HERE))


def test_who_is_away_is_bounded(house):
    made = house(Sending)
    for number in range(5000):
        gone(made, f"2001:db8:{number % 80:x}::1")
    assert len(made.sign_in._redirects._away) <= 4096
    for _ in range(100):
        gone(made, "192.0.2.9")
    mine = [each for each in made.sign_in._redirects._away.values() if each.address == "192.0.2.9"]
    assert len(mine) <= 64


def test_what_declines_is_told(house, logged, monkeypatch):
    made = house(Sending, answer=Declined("Not today.", "because of the rain"))
    monkeypatch.setattr("tsgateway.auth.sign_in.new_state", lambda: "state")
    departure, browser = result(made.sign_in.leave("corp", "https://here/back", HERE))
    assert departure.url == "https://id.example.org/"
    with pytest.raises(Refused, match="Not today"):
        result(made.sign_in.back("corp", {"state": "state"}, browser, HERE))
    assert "because of the rain" in logged()
    for source in ("local", "nowhere"):
        with pytest.raises(Refused):
            result(made.sign_in.leave(source, "https://here/back", HERE))


def test_passwords_are_not_asked_of_those_who_send_people_elsewhere(house):
    made = house(Sending, answer=ADA._replace(name="eve"))
    with pytest.raises(WrongPassword):
        result(made.sign_in.sign_in("eve", "x", HERE))
    made.store.add_user("eve", "", set(), 0, source="corp", source_key="key-1")
    with pytest.raises(WrongPassword):
        result(made.sign_in.sign_in("eve", "x", HERE))
    assert made.sign_in.sources["corp"]._made.asked == 0
