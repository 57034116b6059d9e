"""What guest agents answer, the hostile ones too."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.guests.base import Finished, GuestError, GuestInfo
from sessions.guests.qemu import agent_answers as answers

RUBBISH = (None, True, 7, -1, 1 << 70, 1.5, float("nan"), "x", [], ["x"], {}, {"name": []}, [[]], [{}])

NAMES = st.sampled_from([
    "name", "version", "host-name", "ip-addresses", "ip-address", "exited", "exitcode", "signal", "out-data",
    "err-data", "out-truncated", "pid",
])  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just("10.0.2.15"),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=30,
)


def test_what_an_agent_tells_is_joined():
    interfaces = [
        {"name": "lo", "ip-addresses": [{"ip-address": "127.0.0.1"}, {"ip-address": "::1"}]},
        {"name": "sit0"},
        {"name": "ens3", "ip-addresses": [{"ip-address": "10.0.2.15"}, {"ip-address": "FE80::1%ens3"}]},
    ]
    system = {"name": "Debian GNU/Linux", "id": "debian", "version": "12 (bookworm)", "version-id": "12"}
    info = answers.read_info(
        {"version": "7.2.22"}, system, {"host-name": "desktop"}, interfaces, 1_500_000_000
    )
    assert info == GuestInfo(
        "Debian GNU/Linux", "12 (bookworm)", "desktop", ("10.0.2.15", "fe80::1"), "7.2.22", 1.5
    )


def test_a_hostile_guest_cannot_say_much():
    hostile = {
        "name": "a\n\x1b[2J\u202eb" + "x" * 10_000,
        "ip-addresses": [{"ip-address": "10.0.0.1"}] * 5000,
    }
    info = answers.read_info(hostile, hostile, hostile, [hostile] * 3, 1 << 69)
    assert info.os.startswith("a��[2J�b")
    assert len(info.os) == answers.MAX_TEXT
    assert len(info.addresses) == answers.MAX_ADDRESSES
    assert info.time == 0.0


@given(JSON, JSON, JSON, JSON, JSON)
def test_information_is_information_whatever_comes(version, system, host, interfaces, time):
    info = answers.read_info(version, system, host, interfaces, time)
    for text in (info.os, info.version, info.host_name, info.agent, *info.addresses):
        assert isinstance(text, str)
        assert len(text) <= answers.MAX_TEXT
        assert text.isprintable()
    assert 0 <= info.time <= answers.LAST_SECOND


@given(JSON)
def test_a_status_is_an_end_or_none_or_an_error(value):
    for read in (lambda: answers.read_status(value, 4), lambda: answers.read_pid(value)):
        try:
            got = read()
        except GuestError:
            continue
        if isinstance(got, Finished):
            assert isinstance(got.code, int)
            assert len(got.out) <= 4
            assert len(got.err) <= 4


@pytest.mark.parametrize("value", RUBBISH)
def test_rubbish_is_told_as_such(value):
    with pytest.raises(GuestError, match="rubbish"):
        answers.read_pid({"pid": None if value == 7 else value})
    with pytest.raises(GuestError, match="rubbish"):
        answers.read_status({"exited": True, "exitcode": str(value)}, 9)
    with pytest.raises(GuestError, match="rubbish"):
        answers.read_status({"exited": True, "exitcode": 0, "out-data": value or [value]}, 9)


@pytest.mark.parametrize(
    "command", [[], [""], ["a\0b"], ["x" * answers.MAX_COMMAND], ["x"] * answers.MAX_COMMAND]
)
def test_a_command_that_no_program_can_be_given_is_refused(command):
    with pytest.raises(GuestError):
        answers.exec_arguments(command, b"")


def test_too_much_input_is_refused():
    with pytest.raises(GuestError):
        answers.exec_arguments(["cat"], b"x" * (answers.MAX_INPUT + 1))
    assert answers.exec_arguments(["cat", "-"], b"hi") == {
        "path": "cat", "arg": ["-"], "capture-output": True, "input-data": "aGk=",
    }  # fmt: skip
