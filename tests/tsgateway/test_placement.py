"""Which host a new session is given to."""

from hypothesis import given
from hypothesis import strategies as st

from tsgateway.hosts.placement import Candidate, HostState, choose

UP, STARTING, ASLEEP, DOWN, LEAVING = HostState
candidates = st.lists(
    st.builds(Candidate, st.integers(0, 63), st.sampled_from(HostState), st.integers(0, 9)),
    unique_by=lambda each: each.number,
)


def test_the_one_with_fewest_sessions():
    assert choose([Candidate(0, UP, 3), Candidate(1, UP, 2), Candidate(2, UP, 4)]) == 1


def test_one_that_sleeps_is_woken_only_when_the_others_have_sessions():
    assert choose([Candidate(0, UP, 0), Candidate(1, ASLEEP, 0)]) == 0
    assert choose([Candidate(0, UP, 1), Candidate(1, ASLEEP, 0)]) == 1
    assert choose([Candidate(0, STARTING, 0), Candidate(1, ASLEEP, 0)]) == 0
    assert choose([Candidate(0, UP, 1), Candidate(1, STARTING, 1), Candidate(2, ASLEEP, 0)]) == 2


def test_one_that_is_down_or_leaves_is_not_chosen():
    assert choose([Candidate(0, DOWN, 0), Candidate(1, UP, 9), Candidate(2, LEAVING, 0)]) == 1
    assert choose([Candidate(0, DOWN, 0), Candidate(1, LEAVING, 0)]) is None
    assert choose([]) is None


@given(candidates)
def test_who_is_chosen_could_not_be_bettered_and_order_means_nothing(hosts):
    chosen = choose(hosts)
    assert choose(reversed(hosts)) == chosen
    able = [each for each in hosts if each.state not in (DOWN, LEAVING)]
    assert (chosen is None) == (not able)
    if chosen is not None:
        [best] = [each for each in able if each.number == chosen]
        assert best.sessions == min(each.sessions for each in able)
