"""What every authenticator must do (tsgateway/auth/authenticators/base.py).

A variant's test module makes a class of it, with a fixture `make` that returns an authenticator which knows
`RIGHT`, and `away`, which makes whom it asks unreachable:

    class TestMine(PasswordContract):
        right = ("ada", "her password")
"""

from __future__ import annotations

import pytest
import pytest_twisted

from tsgateway.auth.authenticators.base import Identity, Unavailable

NOT_NAMES = [
    "*",
    "ada*",
    "a)(uid=*",
    "ada)(objectClass=*",
    "ada\\2a",
    "(",
    "ada,ou=x",
    "ada\0",
    "é",
    "a" * 64,
]


class PasswordContract:
    """Inherit this, say who is known, and pytest runs all of it."""

    right: tuple[str, str]

    @pytest_twisted.ensureDeferred
    async def test_who_is_known_is_told(self, make):
        name, password = self.right
        identity = await make().check(name, password)
        assert isinstance(identity, Identity)
        assert identity.name == name
        assert identity.key
        assert identity == await make().check(name, password)  # for ever

    @pytest_twisted.ensureDeferred
    async def test_a_wrong_password_and_a_wrong_name_are_the_same(self, make):
        name, password = self.right
        mine = make()
        assert await mine.check(name, password + "x") is None
        assert await mine.check("nobody-of-that-name", password) is None
        assert await mine.check(name, password.upper()) is None

    @pytest_twisted.ensureDeferred
    async def test_no_password_is_never_right(self, make):
        name, password = self.right
        for wrong in ("", "\0", password + "\0", "\0" + password):
            assert await make().check(name, wrong) is None, repr(wrong)

    @pytest.mark.parametrize("name", NOT_NAMES)
    @pytest_twisted.ensureDeferred
    async def test_names_mean_nothing_but_themselves(self, make, name):
        assert await make().check(name, self.right[1]) is None

    @pytest_twisted.ensureDeferred
    async def test_long_ones_are_borne(self, make):
        name, password = self.right
        assert await make().check(name, password * 40) is None

    @pytest_twisted.ensureDeferred
    async def test_closed_twice(self, make):
        mine = make()
        mine.close()
        mine.close()

    @pytest_twisted.ensureDeferred
    async def test_whom_it_asks_is_away(self, make, away):
        mine = make()
        away()
        with pytest.raises(Unavailable) as caught:
            await mine.check(*self.right)
        assert caught.value.detail
        assert self.right[1] not in caught.value.detail + str(caught.value)
