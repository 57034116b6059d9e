"""What the lists look like: pure."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsgateway.admin import columns, targets, text
from tsgateway.admin.errors import Cannot

SESSION = {
    "id": "0123456789abcdef0123456789abcdef",
    "number": 7,
    "name": "web#3",
    "user": "user1",
    "desktop": "desktop1",
    "state": "active",
    "viewers": 1,
    "started": 1_787_586_120.0,
    "since": 1_787_586_200.0,
    "idle_since": 1_787_586_200.0,
}
NOW = SESSION["idle_since"]


def session(**changes):
    return {**SESSION, **changes}


def test_sessions_stand_in_the_columns_of_windows():
    head, line = columns.session_lines([SESSION], "user1")
    assert head == " SESSIONNAME       USERNAME                 ID  STATE   TYPE        DEVICE"
    assert line == ">" + "%-18s%-20s%7s  %-8s%-12s%s" % ("web#3", "user1", 7, "Active", "tsg", "desktop1")


def test_users_stand_in_the_columns_of_windows():
    head, line = columns.user_lines([SESSION], "", NOW)
    assert head == " USERNAME              SESSIONNAME        ID  STATE   IDLE TIME  LOGON TIME"
    moment = text.moment(SESSION["started"])
    assert line == " " + "%-22s%-17s%4s  %-8s%9s  %s" % ("user1", "web#3", 7, "Active", ".", moment)
    assert re.fullmatch(r"\d\d\.\d\d\.\d{4} \d\d:\d\d", moment)


def test_a_disconnected_session_has_no_name_and_no_type():
    line = columns.session_lines([session(state="disconnected", viewers=0, name="")], "")[1]
    assert line == " " + "%-18s%-20s%7s  %-8s%-12s%s" % ("", "user1", 7, "Disc", "", "desktop1")


def test_long_names_widen_their_column_and_are_never_cut():
    long = "somebody.with.a.long.name@department.example.org"
    rows = columns.session_lines([session(user=long), session(number=8), session(user=long + "x")], "")
    assert [row.split()[1] for row in rows[1:]] == [long, "user1", long + "x"]
    assert len({re.search(r"  (STATE|Active)", row).start() for row in rows}) == 1


def test_what_would_disturb_a_terminal_is_not_shown():
    assert "\x1b" not in "".join(columns.session_lines([session(user="a\x1b[2Jb")], ""))


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "none"), (-5, "."), (0, "."), (59, "."), (60, "1"), (3599, "59"), (3600, "1:00"),
        (86_399, "23:59"), (86_400, "1+00:00"), (90_061, "1+01:01"), (864_000, "10+00:00"),
    ],
)  # fmt: skip
def test_idle_times(seconds, shown):
    assert text.idle(seconds) == shown


def test_who_cannot_have_typed_is_not_idle():
    assert columns.idle_time(session(state="starting"), NOW) == "none"
    assert columns.idle_time(session(state="disconnected", idle_since=0, since=NOW - 120), NOW) == "2"
    assert columns.idle_time(session(idle_since=0), NOW) == "none"


@given(st.lists(st.tuples(st.text(), st.text(max_size=30)), max_size=5))
def test_tables_are_straight_whatever_is_in_them(rows):
    lines = text.table("A|>B", [(first, f"{second}.") for first, second in rows])
    assert all(line.isprintable() for line in lines)
    assert len({text.width(line) for line in lines if line.endswith(".")}) <= 1


def test_wide_letters_take_two_columns():
    assert text.width("日本") == 4
    assert text.left("日本", 6) == "日本  "
    assert text.cut("日本語", 4) == "日…"


TWO = [
    session(),
    session(number=12, id="fedcba98765432100123456789abcdef", name="", desktop="desktop2"),
    session(number=4, id="aaaa456789abcdef0123456789abcdef", name="web#9", user="user2"),
]


@pytest.mark.parametrize(
    ("word", "numbers"),
    [
        ("7", [7]),
        ("WEB#3", [7]),
        ("user2", [4]),
        ("User1", [7, 12]),
        ("fedc", [12]),
        ("FEDCBA", [12]),
        (" 4 ", [4]),
    ],
)
def test_targets(word, numbers):
    assert [each["number"] for each in targets.found(TWO, word)] == numbers


@pytest.mark.parametrize("word", ["99", "fed", "web#", "", "user", "-1"])
def test_a_target_that_is_none_says_what_there_is(word):
    with pytest.raises(Cannot, match=rf"^no session {re.escape(word)}; 3 sessions: 7, 12, 4$"):
        targets.found(TWO, word)


def test_no_sessions_at_all():
    with pytest.raises(Cannot, match="no session 99; there are no sessions"):
        targets.found([], "99")


def test_an_ambiguous_target_says_which():
    with pytest.raises(Cannot) as told:
        targets.one(TWO, "user1")
    assert str(told.value) == (
        "user1 means 2 sessions: 7 (user1, desktop1, Active at web#3); 12 (user1, desktop2, Active). "
        "Give the number of one"
    )


def test_a_number_is_a_number_even_where_an_id_begins_so():
    both = [session(number=1234), session(number=5, id="1234" + "0" * 28)]
    assert targets.one(both, "1234")["number"] == 1234
