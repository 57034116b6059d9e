"""Codes by RFC 6238, enrolment, recovery codes; and second factors as they are kept and checked."""

import xml.etree.ElementTree as ElementTree
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest

from tests.tsgateway.auth.support import HERE, NOW, House, result
from tsgateway.auth.errors import (
    FactorStands,
    FactorUnreadable,
    NoFactor,
    TooManyAttempts,
    WrongCode,
)
from tsgateway.auth.totp import enrolment, hash_recovery_code, recovery_codes, step_of

RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # appendix B: "12345678901234567890"
RFC_CODES = [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]


@pytest.fixture
def house(tmp_path):
    return House(tmp_path / "data")


def enrolled(house, name="bob"):
    """Set a factor up: the app, and the recovery codes. Its first code is used up by that."""
    drawn = result(house.sign_in.factors.begin(name))
    app = pyotp.TOTP(drawn.secret)
    codes = result(house.sign_in.factors.confirm(name, app.at(house.now), HERE))
    house.wait(30)
    return app, codes


@pytest.mark.parametrize(("when", "code"), RFC_CODES)
def test_codes_are_those_of_the_standard(when, code):
    assert step_of(RFC_SECRET, code, when) == when // 30


@pytest.mark.parametrize(
    ("off", "counts"), [(-61, False), (-31, True), (-1, True), (29, True), (49, True), (80, False)]
)
def test_a_clock_may_be_wrong_by_one_step(off, counts):
    code = pyotp.TOTP(RFC_SECRET).at(NOW + off)
    assert (step_of(RFC_SECRET, code, NOW) is not None) == counts


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "abcdef", "１２３４５６", "12345\n6x", "-12345", "0" * 100_000]
)
def test_what_is_no_code_is_wrong(code):
    assert step_of(RFC_SECRET, code, 59) is None


def test_codes_may_be_typed_in_groups():
    assert step_of(RFC_SECRET, " 287 082 ", 59) == 1


def test_what_an_app_is_given():
    drawn = enrolment("ada@example.org", "Desk & Co")
    parts = urlsplit(drawn.uri)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Desk & Co:ada@example.org"
    assert parse_qs(parts.query)["secret"] == [drawn.secret]
    assert len(drawn.secret) == 32  # 160 bits, as the standard has it
    picture = ElementTree.fromstring(drawn.qr)
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert "script" not in drawn.qr
    assert enrolment("ada", "x").secret != drawn.secret
    assert enrolment("ada", "x", drawn.secret).secret == drawn.secret


def test_recovery_codes_are_read_however_they_are_typed():
    codes = recovery_codes()
    assert len(set(codes)) == 10
    spelled = codes[0].upper().replace("-", " ")
    assert hash_recovery_code(spelled) == hash_recovery_code(codes[0])
    assert codes[0].encode() not in hash_recovery_code(codes[0])


def test_a_factor_is_set_up_by_a_code_and_asked_for(house):
    factors = house.sign_in.factors
    with pytest.raises(NoFactor):
        result(factors.confirm("bob", "123456", HERE))
    drawn = result(factors.begin("bob"))
    app = pyotp.TOTP(drawn.secret)
    with pytest.raises(WrongCode):
        result(factors.confirm("bob", app.at(NOW + 300), HERE))
    assert not house.store.user("bob").has_totp
    assert len(result(factors.confirm("bob", app.at(NOW), HERE))) == 10
    with pytest.raises(FactorStands):
        result(factors.begin("bob"))
    with pytest.raises(WrongCode):
        result(factors.check("bob", HERE, code=app.at(NOW)))  # that code has set it up
    house.wait(30)
    assert result(factors.check("bob", HERE, code=app.at(house.now))) == "totp"


def test_setting_up_ends_after_ten_minutes(house):
    drawn = result(house.sign_in.factors.begin("bob"))
    house.wait(601)
    with pytest.raises(NoFactor, match="too long"):
        result(house.sign_in.factors.confirm("bob", pyotp.TOTP(drawn.secret).at(house.now), HERE))


def test_a_code_counts_once_also_after_a_restart(house):
    app, _ = enrolled(house)
    code = app.at(house.now)
    result(house.sign_in.factors.check("bob", HERE, code=code))
    house.restart()
    for _ in range(2):
        with pytest.raises(WrongCode):
            result(house.sign_in.factors.check("bob", HERE, code=code))


def test_recovery_codes_count_once(house):
    _, codes = enrolled(house)
    factors = house.sign_in.factors
    assert result(factors.check("bob", HERE, recovery=codes[3])) == "recovery"
    assert result(factors.recovery_left("bob")) == 9
    with pytest.raises(WrongCode, match="recovery"):
        result(factors.check("bob", HERE, recovery=codes[3]))
    with pytest.raises(WrongCode):
        result(factors.check("ada", HERE, recovery=codes[4]))  # another's


def test_new_recovery_codes_replace_the_old(house):
    app, old = enrolled(house)
    factors = house.sign_in.factors
    new = result(factors.renew_codes("bob", app.at(house.now), HERE))
    assert set(new).isdisjoint(old)
    with pytest.raises(WrongCode):
        result(factors.check("bob", HERE, recovery=old[0]))
    assert result(factors.check("bob", HERE, recovery=new[0])) == "recovery"


def test_one_removes_ones_own_with_a_code(house):
    app, _ = enrolled(house)
    factors = house.sign_in.factors
    with pytest.raises(WrongCode):
        result(factors.remove("bob", HERE, code="000000"))
    result(factors.remove("bob", HERE, code=app.at(house.now)))
    assert not house.store.user("bob").has_totp
    assert result(factors.recovery_left("bob")) is None


def test_secrets_are_unreadable_in_the_database(house):
    app, codes = enrolled(house)
    house.store.close()
    for path in house.folder.rglob("*"):
        content = path.read_bytes()
        assert app.secret.encode() not in content
        assert codes[0].encode() not in content
    assert (house.folder / "secrets.key").stat().st_mode & 0o777 == 0o600


def test_another_key_is_said_to_the_operator(house):
    app, _ = enrolled(house)
    (house.folder / "secrets.key").write_bytes(b"x" * 32)
    house.restart()
    with pytest.raises(FactorUnreadable, match="administrator"):
        result(house.sign_in.factors.check("bob", HERE, code=app.at(house.now)))


def test_a_factor_is_of_no_use_to_another_account(house):
    """Whoever can write to the database cannot sign in as others with a factor of her own."""
    app, _ = enrolled(house, "bob")
    sealed = house.store.factors.get("bob").secret
    house.store.factors.set("ada", sealed, 0, [])
    with pytest.raises(FactorUnreadable):
        result(house.sign_in.factors.check("ada", HERE, code=app.at(house.now)))


def test_ten_thousand_codes_are_refused(house):
    """At the pace that the throttle allows; every code is tried, in two weeks of an attacker's time."""
    enrolled(house)
    looked_at = waited = 0
    for number in range(10_000):
        try:
            result(house.sign_in.factors.check("bob", f"198.51.100.{number % 250}", code=f"{number:06}"))
            raise AssertionError("let in")  # a right guess has a chance of 1 in 10^4 within these
        except WrongCode:
            looked_at += 1
        except TooManyAttempts as error:
            waited += error.seconds
            house.wait(1)
    assert looked_at < 30
    assert waited > 9_000
