"""Names from whoever wants to give them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.transfer import names
from sessions.transfer.errors import TransferError

HOSTILE = [
    "", " ", ".", "..", "/", "a/b", "../x", "a\\b", "a\0b", "a\nb", "\x1b[31m", "a\u202egpj.exe", "\u2066x",
    "\u2028", "\ud800", "x" * 256, "é" * 128,
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused_with_a_sentence(name):
    with pytest.raises(TransferError) as refused:
        names.checked(name)
    assert refused.value.code == "name"
    said = str(refused.value)
    assert said.endswith(".")
    assert not any(names.is_control(character) for character in said)


@pytest.mark.parametrize(
    "name", ["a.txt", ".hidden", "名前.pdf", "x" * 255, "a  b", "-rf", "👩‍👩‍👧.png", "CON"]
)
def test_other_names_stay_as_they_are(name):
    assert names.checked(name) == name


def test_names_are_composed():
    assert names.checked("e\u0301.txt") == "é.txt"


@pytest.mark.parametrize("path", ["/", "a//b", "a/", "/a", "a/../b", ".", "a\0", "x/" * 64 + "x", "y" * 256])
def test_a_path_that_is_none_is_refused(path):
    with pytest.raises(TransferError):
        names.split(path)


def test_a_path_to_what_a_guest_has_named_is_taken():
    assert names.split("") == ()
    assert names.split("a\nb/e\u0301") == ("a\nb", "e\u0301")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.txt", "a (2).txt"), ("a", "a (2)"), (".bashrc", ".bashrc (2)"), ("a.tar.gz", "a.tar (2).gz")],
)
def test_a_number_goes_before_the_ending(name, expected):
    assert names.numbered(name, 2) == expected


@given(st.text(min_size=1), st.integers(2, 9999))
def test_a_checked_name_has_a_numbered_one_that_is_good(name, number):
    try:
        good = names.checked(name)
    except TransferError:
        return
    assert unicodedata.is_normalized("NFC", good)
    numbered = names.numbered(good, number)
    assert len(numbered.encode()) <= names.MAX_NAME
    assert names.split(numbered) == (numbered,)
