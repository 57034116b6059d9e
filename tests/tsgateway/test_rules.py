"""The pure parts: policy, throttle, tickets, admission, passwords, cookies' tokens."""

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from tsgateway.auth.passwords import Passwords, random_password
from tsgateway.auth.throttle import MAX_KEYS, Limits, Throttle
from tsgateway.auth.tokens import MAX_TICKETS, Grant, Tickets, hash_token
from tsgateway.policy import Action, DesktopRight, Gateway, Granted, Owned, Role, Subject, authorize
from tsgateway.transports.admission import MAX_PER_PERSON, Admission

ADA = Subject("ada", frozenset({"users", "staff"}))
FOR_STAFF = DesktopRight(frozenset(), frozenset({"staff"}))
FOR_ADA = DesktopRight(frozenset({"ada"}), frozenset())
FOR_NOBODY = DesktopRight(frozenset(), frozenset())


@pytest.mark.parametrize(
    ("action", "target", "allowed"),
    [
        (Action.SEE, FOR_STAFF, True),
        (Action.SEE, FOR_ADA, True),
        (Action.SEE, FOR_NOBODY, False),
        (Action.SEE, DesktopRight(frozenset({"bob"}), frozenset({"administrators"})), False),
        (Action.CONNECT, FOR_STAFF, True),
        (Action.CONNECT, FOR_NOBODY, False),
        (Action.VIEW, FOR_STAFF, False),  # a desktop is not a session
        (Action.RESET, FOR_STAFF, False),
        (Action.VIEW, Owned("ada", FOR_STAFF), True),
        (Action.VIEW, Owned("ada", FOR_NOBODY), False),  # taken away meanwhile
        (Action.VIEW, Owned("ada", None), False),
        (Action.VIEW, Owned("bob", FOR_STAFF), False),
        (Action.RESET, Owned("ada", None), True),
        (Action.RESET, Owned("bob", FOR_STAFF), False),
        (Action.LOG_OFF, Owned("ada", FOR_STAFF), True),
        (Action.LOG_OFF, Owned("bob", FOR_STAFF), False),
        (Action.DISCONNECT, Owned("ada", FOR_STAFF), True),
        (Action.DISCONNECT, Owned("bob", None), False),
        (Action.MEASURE, Owned("ada", None), True),
        (Action.MEASURE, Owned("bob", FOR_STAFF), False),  # of the same desktop's people, but not theirs
        (Action.MEASURE, FOR_STAFF, False),
        (Action.REVIEW, Owned("ada", None), True),
        (Action.REVIEW, Owned("bob", None), False),
        (Action.REVIEW, Owned("", None), False),
        (Action.INSPECT, Owned("ada", None), True),
        (Action.INSPECT, Owned("bob", FOR_STAFF), False),
        (Action.INSPECT, FOR_STAFF, False),
        (Action.SEE, Owned("ada", FOR_STAFF), False),
        (Action.CONNECT, Owned("ada", FOR_STAFF), False),
    ],
)
def test_who_may_do_what(action, target, allowed):
    assert authorize(ADA, action, target) is allowed


def test_administrators_steer_sessions_and_see_none():
    ruth = Subject("ruth", frozenset({"administrators"}), frozenset({Granted(Role.OWNER)}))
    for action in (Action.VIEW, Action.SEE, Action.CONNECT):
        assert not authorize(ruth, action, Owned("bob", FOR_STAFF, "x"))
    for action in (Action.MEASURE, Action.DISCONNECT, Action.RESET, Action.SHADOW, Action.RUN):
        assert authorize(ruth, action, Owned("bob", FOR_STAFF, "x"))
        assert not authorize(ADA, action, Owned("bob", FOR_STAFF, "x"))


def test_a_role_for_one_desktop_ends_there():
    eve = Subject("eve", frozenset(), frozenset({Granted(Role.OWNER, "cad")}))
    assert authorize(eve, Action.RESET, Owned("bob", None, "cad"))
    assert not authorize(eve, Action.RESET, Owned("bob", None, "office"))
    assert not any(authorize(eve, action, Gateway()) for action in Action)


def test_names_of_groups_are_not_names_of_users():
    assert not authorize(Subject("staff", frozenset()), Action.SEE, FOR_STAFF)
    assert not authorize(Subject("x", frozenset({"ada"})), Action.SEE, FOR_ADA)


# ---- throttle

LIMITS = Limits(free=3, delay=1, max_address=100, max_account=8)


def test_waits_grow_and_end():
    throttle = Throttle(LIMITS)
    now, waits = 0.0, []
    for _ in range(12):
        while (wait := throttle.begin("ada", "192.0.2.1", now)) > 0:
            waits.append(wait)
            now += wait
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == 100
    assert waits == sorted(waits)


def test_a_stranger_cannot_lock_an_account_for_long():
    throttle = Throttle(LIMITS)
    now = 0.0
    for number in range(200):
        address = f"192.0.2.{number}"
        now += throttle.begin("ada", address, now)
    assert throttle.begin("ada", "198.51.100.1", now) <= LIMITS.max_account


def test_early_attempts_do_not_make_the_wait_longer():
    throttle = Throttle(LIMITS)
    for _ in range(3):
        throttle.begin("ada", "a", 0)
    assert all(throttle.begin("ada", "a", 0.5) == 0.5 for _ in range(50))
    assert throttle.begin("ada", "a", 1) == 0


def test_success_forgets():
    throttle = Throttle(LIMITS)
    for _ in range(3):
        throttle.begin("ada", "a", 0)
    throttle.succeeded("ada", "a")
    assert [throttle.begin("ada", "a", 0) for _ in range(3)] == [0, 0, 0]


def test_who_signs_in_is_not_forgiven_the_attempts_on_others():
    throttle = Throttle(LIMITS)
    now, guesses = 0.0, 0
    while now < 60:
        now += throttle.begin(f"victim{guesses}", "192.0.2.1", now)
        guesses += 1
        now += throttle.begin("eve", "192.0.2.1", now)
        throttle.succeeded("eve", "192.0.2.1")
        now += 0.1
    assert guesses < 12


def test_colleagues_behind_one_address_are_forgiven_their_own():
    throttle = Throttle(LIMITS)
    for number in range(50):
        assert throttle.begin(f"user{number}", "192.0.2.1", number) == 0  # wrong once
        assert throttle.begin(f"user{number}", "192.0.2.1", number) == 0
        throttle.succeeded(f"user{number}", "192.0.2.1")
    assert throttle._records == {}


def test_all_addresses_of_one_ipv6_customer_are_one():
    throttle = Throttle(LIMITS)
    for number in range(3):
        throttle.begin(f"user{number}", f"2001:db8::{number}", 0)
    assert throttle.begin("user9", "2001:db8::9", 0) > 0
    assert throttle.begin("user9", "2001:db8:0:1::9", 0) == 0


def test_the_throttle_does_not_grow_for_ever():
    throttle = Throttle(LIMITS)
    for number in range(MAX_KEYS):
        throttle.begin(f"user{number}", f"address{number}", 0)
    assert len(throttle._records) <= MAX_KEYS


# ---- tickets

GRANT = Grant(Subject("ada", frozenset()), "session", b"sign-in")


def test_a_ticket_ends_after_its_time():
    tickets = Tickets(30)
    early, late = tickets.issue(GRANT, 0), tickets.issue(GRANT, 0)
    assert tickets.redeem(early, 29.9) == GRANT
    assert tickets.redeem(early, 29.9) is None
    assert tickets.redeem(late, 30) is None


def test_tickets_are_kept_hashed_and_few():
    tickets = Tickets()
    first = tickets.issue(GRANT, 0)
    assert first not in tickets._grants
    assert hash_token(first) in tickets._grants
    for _ in range(MAX_TICKETS):
        tickets.issue(GRANT, 0)
    assert len(tickets._grants) == MAX_TICKETS
    assert tickets.redeem(first, 0) is None


def test_one_person_cannot_use_up_the_tickets_of_others():
    tickets = Tickets()
    his = tickets.issue(Grant(Subject("bob", frozenset()), "s", b"other"), 0)
    for _ in range(10_000):
        tickets.issue(GRANT, 0)
    assert len(tickets._grants) == MAX_TICKETS + 1
    assert tickets.redeem(his, 0).user == "bob"


def test_signing_out_drops_tickets():
    tickets = Tickets()
    mine = tickets.issue(GRANT, 0)
    other = tickets.issue(Grant(Subject("bob", frozenset()), "s", b"other"), 0)
    tickets.revoke(b"sign-in")
    assert tickets.redeem(mine, 0) is None
    assert tickets.redeem(other, 0) is not None


# ---- admission


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["enters", "leaves", "is known"]))))
def test_neither_strangers_nor_one_person_exceed_their_limits(events):
    admission = Admission(5, 2)
    everybody, strangers = [], []
    for address, what in events:
        if what == "enters":
            if (visitor := admission.enter(address)) is not None:
                everybody.append(visitor)
                strangers.append((address, visitor))
        elif strangers:
            _, visitor = strangers.pop()
            visitor.known("ada") if what == "is known" else visitor.gone()
            assert not visitor.is_stranger
        assert len(strangers) <= 5
        assert all(sum(each == a for each, _ in strangers) <= 2 for a in "abc")
    for visitor in everybody:
        visitor.gone()
        visitor.gone()  # only counts once
    assert not admission._strangers
    assert not admission._people


def test_one_person_has_so_many_connections_and_others_are_let_in():
    admission = Admission(5, 5)
    for _ in range(MAX_PER_PERSON):
        admission.enter("a").known("ada")
    surplus = [admission.enter("a") for _ in range(5)]
    for visitor in surplus:
        visitor.known("ada")
        assert visitor.is_stranger
    assert admission.enter("b") is None
    surplus[0].gone()  # as it is a minute later, when it is cut like any stranger's
    bob = admission.enter("b")
    bob.known("bob")
    assert not bob.is_stranger


# ---- passwords


def test_passwords():
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    stored = passwords.hash("correct horse")
    assert stored.startswith("$argon2id$")
    assert passwords.check(stored, "correct horse")
    assert not passwords.check(stored, "Correct horse")
    assert not passwords.check(None, "correct horse")
    assert not passwords.check("rubbish", "x")


def test_random_passwords_are_long_and_differ():
    made = {random_password() for _ in range(100)}
    assert len(made) == 100
    assert all(len(password) == 23 for password in made)
