"""Guessing: passwords and codes, through one throttle; what may be chosen as a password; the key file."""

from __future__ import annotations

import pyotp
import pytest

from tests.tsgateway.auth.support import CHEAP, HERE, PASSWORD, House, result
from tsgateway.auth.challenges import MAX_WRONG
from tsgateway.auth.errors import ChallengeOver, SignInError, TooManyAttempts, WrongCode, WrongPassword
from tsgateway.auth.passwords import complaint, random_password
from tsgateway.auth.seal import Seal, SealBroken
from tsgateway.auth.sign_in import Answer
from tsgateway.errors import StartError


@pytest.fixture
def house(tmp_path):
    return House(tmp_path / "data")


@pytest.fixture
def app(house):
    """Bob's second factor."""
    drawn = result(house.sign_in.factors.begin("bob"))
    made = pyotp.TOTP(drawn.secret)
    result(house.sign_in.factors.confirm("bob", made.at(house.now), HERE))
    house.wait(30)
    return made


def test_ten_thousand_passwords_are_refused_and_noted(house):
    """From 200 addresses, a guess a second: the account itself makes them wait."""
    looked_at = 0
    for number in range(10_000):
        try:
            result(house.sign_in.sign_in("bob", f"guess {number}", f"198.51.100.{number % 200}"))
            raise AssertionError("let in")
        except WrongPassword:
            looked_at += 1
        except TooManyAttempts:
            pass
        house.wait(1)
    assert looked_at < 400  # one in 30 s
    assert house.sign_in.outcomes["refused"] == looked_at
    assert house.sign_in.outcomes["throttled"] == 10_000 - looked_at
    assert len(house.events) == 10_000
    house.wait(30)
    assert result(house.sign_in.sign_in("bob", PASSWORD, HERE)).subject.name == "bob"


def test_a_right_password_forgives_no_wrong_code(house, app):
    """Whoever has the password does not guess codes faster by giving it again and again."""
    wrong = waits = 0
    for number in range(600):
        try:
            needs = result(house.sign_in.sign_in("bob", PASSWORD, HERE))
            result(house.sign_in.answer(needs.challenge, Answer(code=f"{number:06}"), HERE))
        except WrongCode:
            wrong += 1
        except TooManyAttempts:
            waits += 1
        house.wait(10)
    assert wrong < 25  # in 100 minutes
    assert waits > 550
    house.wait(901)
    needs = result(house.sign_in.sign_in("bob", PASSWORD, HERE))
    accepted = result(house.sign_in.answer(needs.challenge, Answer(code=app.at(house.now)), HERE))
    assert accepted.subject.method == "password+totp"


def test_a_challenge_bears_so_many_wrong_answers(house, app, monkeypatch):
    monkeypatch.setattr(house.sign_in.factors._throttle, "begin", lambda *_, **__: 0)
    needs = result(house.sign_in.sign_in("bob", PASSWORD, HERE))
    for _ in range(MAX_WRONG):
        with pytest.raises(WrongCode):
            result(house.sign_in.answer(needs.challenge, Answer(code="000000"), HERE))
    with pytest.raises(ChallengeOver):
        result(house.sign_in.answer(needs.challenge, Answer(code=app.at(house.now)), HERE))


def test_a_challenge_lasts_five_minutes_and_stays_where_it_began(house, app):
    needs = result(house.sign_in.sign_in("bob", PASSWORD, HERE))
    with pytest.raises(ChallengeOver):
        result(house.sign_in.answer(needs.challenge, Answer(code=app.at(house.now)), "192.0.2.2"))
    house.wait(301)
    with pytest.raises(ChallengeOver):
        result(house.sign_in.answer(needs.challenge, Answer(code=app.at(house.now)), HERE))


def test_half_done_sign_ins_are_bounded(house, app):
    first = result(house.sign_in.sign_in("bob", PASSWORD, HERE))
    for _ in range(40):
        result(house.sign_in.sign_in("bob", PASSWORD, HERE))
    assert len(house.sign_in._challenges._waiting) <= 16
    with pytest.raises(ChallengeOver):
        result(house.sign_in.answer(first.challenge, Answer(code=app.at(house.now)), HERE))


def test_a_changed_password_ends_what_is_half_done(house, app):
    needs = result(house.sign_in.sign_in("bob", PASSWORD, HERE))
    result(house.sign_in.change_password("bob", PASSWORD, "seven green bicycles", HERE, b""))
    with pytest.raises(ChallengeOver):
        result(house.sign_in.answer(needs.challenge, Answer(code=app.at(house.now)), HERE))


def test_who_is_disabled_meanwhile_gets_no_further(house, app):
    needs = result(house.sign_in.sign_in("bob", PASSWORD, HERE))
    house.store.change_user("bob", enabled=False)
    with pytest.raises(SignInError, match="disabled"):
        result(house.sign_in.answer(needs.challenge, Answer(code=app.at(house.now)), HERE))


OTHERS = ["", " ", "bob\0", "b o b", "ｂｏｂ", "bob\u200b", "b" * 100, "*", "bob)(uid=*"]


@pytest.mark.parametrize("name", OTHERS)
def test_other_spellings_of_a_name_are_nobody(house, name):
    with pytest.raises(WrongPassword):
        result(house.sign_in.sign_in(name, PASSWORD, HERE))


# ---- passwords


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "12 to 1024"),
        ("x" * 1025, "12 to 1024"),
        ("aaaaaaaaaaaa", "too easy"),
        ("password1234", "too easy"),
        ("qwertyuiop12", "too easy"),
        ("abcdefghijkl", "too easy"),
        ("Administrator", "too easy"),
        ("the lovelace of old times", "your name"),
        ("LOVELACE-and-more", "your name"),
        ("correct horse battery", ""),
        ("canada is a large land", ""),
        ("seven green bicycles", ""),
        ("Übergröße im Schrank", ""),
    ],
)
def test_what_may_be_chosen(password, said):
    found = complaint(password, ["ada", "lovelace", "Ada Lovelace"])
    assert (said in found) if said else found == ""


def test_random_passwords_may_be_chosen():
    assert {complaint(random_password(), ["ada"]) for _ in range(50)} == {""}


def test_hashes_of_another_cost_are_outdated(house):
    assert not CHEAP.is_outdated(CHEAP.hash("x"))
    assert CHEAP.is_outdated("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b7dWRWJTmaas")
    assert CHEAP.is_outdated("rubbish")


# ---- the key file


def test_what_is_sealed_is_for_one_purpose_and_one_key(tmp_path):
    seal = Seal(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    sealed = seal.seal(b"secret", "totp ada")
    assert Seal(tmp_path / "key").open(sealed, "totp ada") == b"secret"
    assert seal.seal(b"secret", "totp ada") != sealed
    broken = [sealed[:n] for n in range(len(sealed))]
    broken += [sealed[:n] + bytes([sealed[n] ^ 1]) + sealed[n + 1 :] for n in range(len(sealed))]
    for each in broken:
        with pytest.raises(SealBroken):
            seal.open(each, "totp ada")
    with pytest.raises(SealBroken):
        seal.open(sealed, "totp bob")
    with pytest.raises(SealBroken):
        Seal(tmp_path / "another").open(sealed, "totp ada")


@pytest.mark.parametrize(
    ("content", "mode", "said"), [(b"short", 0o600, "damaged"), (b"x" * 32, 0o644, "read by others")]
)
def test_a_key_file_that_cannot_be_used_is_said_at_the_start(tmp_path, content, mode, said):
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(StartError, match=said):
        Seal(path)
    with pytest.raises(StartError, match="cannot be used"):
        Seal(tmp_path / "nowhere" / "key")
