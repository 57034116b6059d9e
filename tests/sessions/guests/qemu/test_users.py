"""Names of accounts in guests: what is none, or an option in disguise, never gets there."""

import pytest
import pytest_twisted

from sessions.guests.base import Finished, GuestError
from sessions.guests.qemu.users import create_user, remove_user


class Guest:
    def __init__(self, code=0, err=b""):
        self.ran = []
        self.finished = Finished(code, b"", err)

    async def run(self, command, **_):
        self.ran.append(command)
        return self.finished


@pytest.mark.parametrize("name", ["", "-r", "a b", "Ada", "a" * 33, "a\n", "../a", "root:x", "ä", "a$(id)"])
@pytest_twisted.ensureDeferred
async def test_what_is_no_name_is_refused(name):
    guest = Guest()
    for change in (create_user, remove_user):
        with pytest.raises(GuestError, match="cannot be the name"):
            await change(guest, name)
    assert guest.ran == []


@pytest_twisted.ensureDeferred
async def test_what_a_guest_refuses_is_told_in_its_words():
    guest = Guest(9, b"useradd: user 'ada' already exists\n")
    with pytest.raises(GuestError, match=r"refuses: useradd: user 'ada' already exists$"):
        await create_user(guest, "ada")
    assert [command[-1] for command in guest.ran] == ["ada"]
