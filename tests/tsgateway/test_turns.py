"""The queue of those who wait for their turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsgateway.hosts.turns import Queue, QueueFull, Turn


def queue_of(*users, longest=100):
    queue = Queue(longest, 60.0, 10.0)
    for number, user in enumerate(users):
        queue.join(Turn(str(number), user, "d", float(number), float(number)))
    return queue


@pytest.mark.parametrize(
    ("users", "order"),
    [
        ("", ""),
        ("abc", "012"),
        ("aaab", "0312"),
        ("aabbc", "02413"),
        ("abab", "0123"),
    ],
)
def test_everybodys_first_comes_before_anybodys_second(users, order):
    assert "".join(turn.id for turn in queue_of(*users).order()) == order


def test_how_many_people_are_before_one():
    queue = queue_of(*"aaabc")
    assert [queue.before(turn) for turn in "03412"] == [0, 1, 2, 3, 3]


def test_it_is_so_long_and_no_longer():
    queue = queue_of(*"ab", longest=2)
    with pytest.raises(QueueFull):
        queue.join(Turn("x", "c", "d", 9.0, 9.0))
    queue.leave("0")
    queue.join(Turn("x", "c", "d", 9.0, 9.0))
    assert [turn.id for turn in queue.order()] == ["1", "x"]
    assert ("0" in queue, "x" in queue, len(queue)) == (False, True, 2)


def test_who_is_not_heard_of_and_who_waited_too_long():
    queue = queue_of(*"abc")
    queue.order()[1].asked = 50.0
    assert [turn.id for turn in queue.absent(11.0)] == ["0"]
    assert [turn.id for turn in queue.absent(12.0)] == ["0", "2"]
    assert [turn.id for turn in queue.overdue(61.0)] == ["0", "1"]


@given(st.lists(st.sampled_from("abcde")))
def test_each_waits_once_and_nobody_longer_than_by_their_place(users):
    queue = queue_of(*users)
    order = queue.order()
    assert sorted(int(turn.id) for turn in order) == list(range(len(users)))
    for user in set(users):
        mine = [int(turn.id) for turn in order if turn.user == user]
        assert mine == sorted(mine)
        assert queue.count(user) == len(mine)
        assert queue.find(user, "d").id == str(mine[0])
        assert queue.before(str(mine[0])) < len(set(users))
