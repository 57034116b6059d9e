"""What people are called in a shared machine; the program is the image's own."""

import re
import runpy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.images import recipe

LINUX_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")  # useradd takes no more than 32 characters


PROGRAM = runpy.run_path(str(recipe.folder("desktop") / "files/usr/lib/tsgateway/people.py"))
account_name = PROGRAM["account_name"]


def nobody(name):
    return False


@pytest.mark.parametrize("user", ["ada", "bob_2", "x" * 31])
def test_a_name_that_linux_takes_stays_as_it_is(user):
    assert account_name(user, nobody) == user


@pytest.mark.parametrize(
    ("user", "begins"),
    [
        ("Ada Lovelace", "adalovelace-"),
        ("日本", "u-"),
        ("a-b", "ab-"),
        ("../../etc", "etc-"),
        ("7o9", "u7o9-"),
        ("x" * 200, "x" * 15 + "-"),
        ("", "u-"),
        ("root\n", "root-"),
        ("ada@example.org", "adaexampleorg-"),
    ],
)
def test_any_other_becomes_one_that_can_be_read(user, begins):
    name = account_name(user, nobody)
    assert LINUX_NAME.fullmatch(name)
    assert name.startswith(begins)


def test_nobody_becomes_root_or_another_account_of_the_system():
    assert account_name("root", lambda name: name == "root") not in ("root", "")


@given(
    st.sets(st.text(max_size=40) | st.from_regex(r"[a-z]{1,3}-?[0-9a-f]{0,16}", fullmatch=True), max_size=20)
)
def test_no_two_people_have_the_same_account(users):
    """Not even somebody who calls himself what another's account is called."""
    names = {account_name(user, nobody) for user in users}
    assert len(names) == len(users)
    again = {account_name(name, nobody) for name in names if name not in users}
    assert not again & names
