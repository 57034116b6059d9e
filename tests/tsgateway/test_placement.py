"""Which host a new session is given to, and why: tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsgateway.drain import ALL, MAX_WEIGHT, DrainMode, HostSetting
from tsgateway.hosts.link import HostError
from tsgateway.hosts.placement import (
    Candidate,
    Fit,
    HostState,
    Load,
    Pace,
    choose,
    score,
    stricter,
    why_none,
)
from tsgateway.hosts.placing import MINUTE, AllBusy, Draining, Placer

UP, STARTING, ASLEEP, DOWN, LEAVING = HostState
ENABLE, DISABLE, DRAIN, UNTIL = DrainMode
GIB = 1 << 30


def host(number, state=UP, sessions=0, *, weight=100, mode=ENABLE, load=Load(), **more):  # noqa: B008
    return Candidate(number, state, sessions, setting=HostSetting(weight, mode), load=load, **more)


def busy(cpu=0.0, free=0, spares=0, seats=0):
    return Load(cpu, free, {"d": spares} if spares else {}, {"d": seats} if seats else {})


@pytest.mark.parametrize(
    ("hosts", "chosen"),
    [
        pytest.param([host(0, UP, 3), host(1, UP, 2), host(2, UP, 4)], 1, id="fewest sessions"),
        pytest.param([host(0), host(1)], 0, id="the first of equals"),
        pytest.param([host(0, UP), host(1, ASLEEP)], 0, id="one that sleeps is not woken for nothing"),
        pytest.param(
            [host(0, UP, 1), host(1, ASLEEP)], 1, id="one that sleeps is woken for the second session"
        ),
        pytest.param([host(0, STARTING), host(1, ASLEEP)], 0, id="one that starts before one that sleeps"),
        pytest.param([host(0, UP, 1), host(1, STARTING, 1), host(2, ASLEEP)], 2, id="none has none yet"),
        pytest.param([host(0, DOWN), host(1, UP, 9), host(2, LEAVING)], 1, id="only one runs"),
        pytest.param([host(0, DOWN), host(1, LEAVING)], None, id="none runs"),
        pytest.param([], None, id="there is none"),
        pytest.param(
            [host(0, UP, 2, weight=400), host(1, UP, 0)], 0, id="four times the weight, a third of it left"
        ),
        pytest.param([host(0, UP, 4, weight=400), host(1, UP, 0)], 1, id="four times the weight is full"),
        pytest.param([host(0, load=busy(cpu=1.0)), host(1, load=busy(cpu=0.2))], 1, id="less to do"),
        pytest.param(
            [host(0, load=busy(cpu=0.9)), host(1, UP, 1)],
            0,
            id="a busy processor is better than a session more",
        ),
        pytest.param([host(0, load=busy(free=GIB // 2)), host(1, load=busy(free=GIB))], 1, id="more memory"),
        pytest.param(
            [host(0, load=busy(free=4 * GIB)), host(1, load=busy(free=64 * GIB))],
            0,
            id="enough memory is enough",
        ),
        pytest.param(
            [host(0, load=busy(free=GIB)), host(1)], 0, id="who has told no memory has not more than others"
        ),
        pytest.param([host(0), host(1, UP, 9, load=busy(spares=1))], 1, id="a guest stands ready"),
        pytest.param(
            [host(0, weight=MAX_WEIGHT), host(1, UP, 9, weight=1, load=busy(cpu=1.0, seats=1))],
            1,
            id="a free seat",
        ),
        pytest.param(
            [host(0, UP, 3, load=busy(spares=1)), host(1, UP, 2, load=busy(seats=4))], 1, id="both have"
        ),
        pytest.param([host(0, mode=DRAIN), host(1, UP, 9)], 1, id="drained"),
        pytest.param(
            [host(0, mode=UNTIL), host(1, mode=DISABLE), host(2, ASLEEP, 9)], 2, id="closed and drained"
        ),
        pytest.param(
            [host(0, UP, 2, starting=2), host(1, UP, 9, starting=1)], 1, id="two are being started there"
        ),
        pytest.param(
            [host(0, UP, 0, begun=5), host(1, UP, 9, begun=4)], 1, id="five began there within a minute"
        ),
        pytest.param(
            [host(0, load=busy(spares=1), starting=2), host(1, UP, 5)], 1, id="busy, with a guest ready"
        ),
    ],
)
def test_who_is_chosen(hosts, chosen):
    scores = score(hosts, "d", Pace(2, 5))
    assert choose(scores) == chosen, "; ".join(map(str, scores))


@pytest.mark.parametrize(
    ("hosts", "fit"),
    [
        ([host(0, DOWN), host(1, mode=DRAIN), host(2, starting=2)], Fit.BUSY),
        ([host(0, DOWN), host(1, mode=DRAIN)], Fit.DRAINED),
        ([host(0, DOWN), host(1, LEAVING, mode=DRAIN)], Fit.AWAY),
        ([], Fit.AWAY),
    ],
)
def test_why_nobody_is_chosen(hosts, fit):
    assert why_none(score(hosts, "d", Pace(2, 5))) is fit


def test_the_reason_is_told():
    load = busy(cpu=0.42, free=GIB, spares=2)
    hosts = [host(0, UP, 1, weight=500, load=load), host(1, mode=UNTIL), host(2, DOWN), host(3, starting=2)]
    assert list(map(str, score(hosts, "d", Pace(2, 5)))) == [
        "host 0: 20098.8 (weight 500, 1 session, up, processor 42%, memory 1024 MiB, "
        "2 guests and 0 seats ready)",
        "host 1: 0.0 (set to drain-until-restart)",
        "host 2: 0.0 (down)",
        "host 3: 0.0 (2 being started)",
    ]


candidates = st.lists(
    st.builds(
        Candidate,
        st.integers(0, 63),
        st.sampled_from(HostState),
        st.integers(0, 9),
        starting=st.just(0),
        begun=st.just(0),
        setting=st.builds(HostSetting, st.integers(1, MAX_WEIGHT), st.sampled_from(DrainMode)),
        load=st.builds(busy, st.floats(0, 1), st.integers(0, 1 << 40), st.integers(0, 1), st.integers(0, 1)),
    ),
    unique_by=lambda each: each.number,
)


@given(candidates)
def test_order_means_nothing_and_who_can_take_it_gets_it(hosts):
    scores = score(hosts, "d")
    assert score(reversed(hosts), "d") == scores
    able = {
        each.number for each in hosts if each.state not in (DOWN, LEAVING) and each.setting.mode is ENABLE
    }
    assert (choose(scores) in able) if able else choose(scores) is None
    assert {each.number for each in scores if each.fit is Fit.ABLE} == able


@given(st.integers(1, 20), st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_sessions_are_shared_by_weight(rounds, weights):
    hosts = dict(enumerate(host(number, weight=10 * weight) for number, weight in enumerate(weights)))
    for _ in range(rounds * sum(weights)):
        number = choose(score(hosts.values(), "d"))
        hosts[number] = hosts[number]._replace(sessions=hosts[number].sessions + 1)
    shares = [hosts[number].sessions for number in range(len(weights))]
    assert all(abs(share - rounds * weight) <= 1 for share, weight in zip(shares, weights, strict=True)), (
        shares
    )


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [(ENABLE, DRAIN, DRAIN), (DISABLE, DRAIN, DISABLE), (UNTIL, ENABLE, UNTIL), (ENABLE, ENABLE, ENABLE)],
)
def test_of_two_modes_the_one_holds_that_lets_fewer_on(one, other, both):
    assert stricter(one, other) is stricter(other, one) is both


# ---- with a clock, and with what operators set


def test_a_host_begins_so_many_within_a_minute():
    now = [0.0]
    placer = Placer(Pace(10, 2), lambda: now[0])
    hosts = [host(0)]
    placer.choose(hosts, "d")
    now[0] = 30.0
    placer.choose(hosts, "d")
    with pytest.raises(AllBusy, match="being started right now"):
        placer.choose(hosts, "d")
    now[0] = MINUTE
    assert placer.choose(hosts, "d") == 0
    with pytest.raises(AllBusy):
        placer.choose(hosts, "d")


def test_what_is_set_for_all_holds_for_each():
    placer = Placer()
    placer.settings = {"0": HostSetting(7, DRAIN), ALL: HostSetting(mode=ENABLE)}
    assert placer.choose([host(0), host(1, UP, 5)], "d") == 1
    assert placer.setting(0) == HostSetting(7, DRAIN)
    placer.check_return(0)
    placer.settings = {"0": HostSetting(7, DRAIN), ALL: HostSetting(mode=DISABLE)}
    with pytest.raises(Draining, match="taking this gateway out of service"):
        placer.choose([host(0), host(1)], "d")
    with pytest.raises(Draining, match="Nobody can connect"):
        placer.check_return(1)
    with pytest.raises(HostError, match="is starting"):
        placer.choose([host(0, DOWN)], "d")
