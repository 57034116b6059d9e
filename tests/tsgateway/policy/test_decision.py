"""Which policy decides, and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tsgateway.policy.support import DESKTOPS, EVERYBODY, context, policy
from tsgateway.policy.decision import (
    REFERENCES,
    allows,
    decide,
    explain,
    read_reference,
    reference_number,
)
from tsgateway.policy.policies import Effect, Kind
from tsgateway.policy.reading import Moment

MONDAY_8 = Moment(0, 480)


def test_both_kinds_have_to_allow():
    everybody, desktops = policy(EVERYBODY), policy(DESKTOPS)
    assert decide([everybody, desktops], context(), "one").allowed
    assert not decide([everybody], context(), "one").allowed
    assert not decide([desktops], context(), "one").allowed
    assert not decide([], context(), "one").allowed
    assert decide([everybody], context(), "one").why == "resource policy is missing: none fits"


def test_the_first_that_fits_decides_and_later_ones_are_not_tried():
    strict = policy(EVERYBODY, name="Strict", redirections={"files": False}, networks=["10.0.0.0/8"])
    loose, desktops = policy(EVERYBODY), policy(DESKTOPS)
    assert not decide([strict, loose, desktops], context(), "one").redirections.files
    assert decide([loose, strict, desktops], context(), "one").redirections.files
    tried = decide([loose, strict, desktops], context(), "one").tried
    assert [each.name for each in tried] == ["Everybody", "Desktops"]


def test_one_that_denies_keeps_out_whom_a_later_one_would_let_in():
    guests = policy(EVERYBODY, name="No guests", effect="deny", users=[], groups=["guests"])
    each = [guests, policy(EVERYBODY), policy(DESKTOPS)]
    assert decide(each, context(), "one").allowed
    refused = decide(each, context(groups=["users", "guests"]), "one")
    assert refused.why == 'connection policy "No guests" denies: ada is in the group guests'
    assert not any(refused.redirections)


def test_one_that_is_disabled_does_nothing():
    off = policy(EVERYBODY, name="Off", effect="deny", enabled=False)
    decision = decide([off, policy(EVERYBODY), policy(DESKTOPS)], context(), "one")
    assert decision.allowed
    assert str(decision.tried[0]) == 'connection policy "Off" is disabled'


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"networks": ["192.168.0.0/16"]}, "address 10.1.2.3 is not in 192.168.0.0/16"),
        (
            {"networks": [f"192.168.{n}.0/24" for n in range(9)]},
            "address 10.1.2.3 is not in 192.168.0.0/24, 192.168.1.0/24, 192.168.2.0/24 or 6 more",
        ),
        ({"users": ["bob"], "groups": ["staff"]}, "ada is not bob or group staff"),
        ({"methods": ["oidc:*"]}, "signed in with password, not with oidc:*"),
        ({"doors": ["tsg"]}, "comes through the door web, not tsg"),
        (
            {"when": {"zone": "Europe/Berlin", "times": ["mon-fri 09:00-17:00"]}},
            "Mon 08:00 (Europe/Berlin) is not within mon-fri 09:00-17:00",
        ),
    ],
)
def test_the_exact_condition_is_told(table, says):
    decision = decide([policy(EVERYBODY, **table), policy(DESKTOPS)], context(at=MONDAY_8), "one")
    assert decision.tried[0].why == says
    assert not decision.allowed


def test_explaining_tells_each_that_is_tried_and_what_comes_of_it():
    each = [
        policy(EVERYBODY, name="Off", enabled=False),
        policy(EVERYBODY, name="At home", networks=["192.168.0.0/16"]),
        policy(
            EVERYBODY, name="Office", networks=["10.0.0.0/8"],
            when={"zone": "UTC", "times": ["mon-fri 07:00-18:00"]}, methods=["pass*"], doors=["web"],
        ),
        policy(DESKTOPS, desktops=["lab-*"]),
    ]  # fmt: skip
    assert explain(each, context(at=MONDAY_8), "lab-1") == [
        'connection policy "Off" is disabled',
        'connection policy "At home" does not fit: address 10.1.2.3 is not in 192.168.0.0/16',
        'connection policy "Office" allows: ada is one of *; address 10.1.2.3 is in 10.0.0.0/8; '
        "signed in with password; comes through the door web; Mon 08:00 (UTC) is within mon-fri 07:00-18:00",
        'resource policy "Desktops" allows: ada is one of *; desktop lab-1 is one of lab-*',
        'ada gets lab-1: connection policy "Office" allows: ada is one of *; address 10.1.2.3 is in '
        "10.0.0.0/8; signed in with password; comes through the door web; Mon 08:00 (UTC) is within mon-fri "
        '07:00-18:00; resource policy "Desktops" allows: ada is one of *; desktop lab-1 is one of lab-*',
    ]
    assert explain(each, context(at=MONDAY_8), "one")[-1] == (
        "ada does not get one: resource policy is missing: none fits"
    )


@pytest.mark.parametrize(
    "table",
    [
        {"networks": ["0.0.0.0/0"]},
        {"methods": ["*"]},
        {"doors": ["web"]},
        {"when": {"zone": "UTC", "times": ["00:00-24:00"]}},
    ],
)
def test_what_is_not_known_lets_nobody_in_and_keeps_out(table):
    unknown = context(address="", method="", door="")
    assert not decide([policy(EVERYBODY, **table), policy(DESKTOPS)], unknown, "one").allowed
    deny = policy(EVERYBODY, name="No", effect="deny", **table)
    assert not decide([deny, policy(EVERYBODY), policy(DESKTOPS)], unknown, "one").allowed


# ---- for any policies

tables = st.fixed_dictionaries(
    {"effect": st.sampled_from(Effect), "enabled": st.booleans(), "name": st.text("abc", min_size=1)},
    optional={
        "users": st.lists(st.sampled_from(["ada", "b*", "*"]), min_size=1),
        "when": st.sampled_from(["mon-wed", "18:00-09:00"]).map(
            lambda times: {"zone": "UTC", "times": [times]}
        ),
    },
)
connections = st.builds(
    lambda table, more: policy({**EVERYBODY, **table, **more}),
    tables,
    st.fixed_dictionaries(
        {},
        optional={
            "networks": st.sampled_from([["10.0.0.0/8"], ["::/0"], ["10.1.2.3", "192.0.2.0/24"]]),
            "methods": st.sampled_from([["password"], ["*totp"]]),
            "doors": st.sampled_from([["web"], ["tsg"]]),
        },
    ),
)
resources = st.builds(
    lambda table, desktops: policy({**DESKTOPS, **table, "desktops": desktops}),
    tables,
    st.sampled_from([["one"], ["o*"], ["*"]]),
)
contexts = st.builds(
    context,
    st.sampled_from(["ada", "bob"]),
    at=st.none() | st.builds(Moment, st.integers(0, 6), st.integers(0, 1439)),
    address=st.sampled_from(["", "10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1", "rubbish"]),
    method=st.sampled_from(["", "password", "password+totp"]),
    door=st.sampled_from(["", "web", "tsg"]),
)


def fits(policy, asked, desktop):
    """The definition: each condition holds; what is not known counts against the person."""
    judged = [condition.judge(asked, desktop).holds for condition in policy.conditions]
    return policy.enabled and all(holds or (holds is None and policy.effect == "deny") for holds in judged)


@given(st.lists(connections | resources), contexts, st.sampled_from(["one", "two"]))
def test_a_decision_is_what_the_definition_says(policies, asked, desktop):
    first = [
        next((each for each in policies if each.kind is kind and fits(each, asked, desktop)), None)
        for kind in Kind
    ]
    decision = decide(policies, asked, desktop)
    assert decision.allowed == all(each is not None and each.effect == "allow" for each in first)
    if decision.allowed:
        assert (decision.redirections, decision.limits) == (first[0].redirections, first[0].limits)
    assert allows(policies, asked, desktop) is decision.allowed
    assert decision.why
    assert len(explain(policies, asked, desktop)) == len(decision.tried) + 1


@given(st.lists(connections | resources), connections | resources, contexts)
def test_adding_one_that_denies_never_lets_anybody_in(policies, another, asked):
    if another.effect == "deny" and not decide(policies, asked, "one").allowed:
        assert not decide([another, *policies], asked, "one").allowed


# ---- reference numbers


@given(st.integers(0, REFERENCES - 1))
def test_reference_numbers_are_read_however_they_are_typed(number):
    reference = reference_number(number)
    assert not set(reference) & set("01IOLS5B8ZU")
    for typed in (reference, reference.lower(), reference.replace("-", ""), f" {reference} "):
        assert read_reference(typed) == reference


@given(st.text(max_size=12))
def test_what_is_no_reference_number_is_none(text):
    found = read_reference(text)
    assert found is None or found.replace("-", "") == text.strip().upper().replace("-", "")


def test_reference_numbers_differ():
    assert len({reference_number(number) for number in range(2000)}) == 2000
