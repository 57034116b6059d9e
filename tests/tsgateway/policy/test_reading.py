"""What policies are written with: exact errors for what is half typed, and no text that does harm."""

import ipaddress
import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tsgateway.policy.support import DESKTOPS, EVERYBODY, ZONES, policy
from tsgateway.policy.policies import Redirections, read_policy
from tsgateway.policy.reading import (
    DAYS,
    DOORS,
    MAX_ENTRIES,
    MAX_TEXT,
    METHOD_FAMILIES,
    METHODS,
    Moment,
    PolicyError,
    address_of,
    fits,
    read_network,
    read_window,
)

WHEN = {"zone": "UTC", "times": ["mon"]}


@pytest.mark.parametrize(
    ("table", "field", "says"),
    [
        ({"networks": ["10.1.2.3/16"]}, "networks[0]", "written 10.1.0.0/16"),
        ({"networks": ["10.0.0.0/8", "10.0.0"]}, "networks[1]", "written like 10.0.0.0/8"),
        ({"networks": ["10.0.0.0/33"]}, "networks[0]", "written like 10.0.0.0/8"),
        ({"networks": ["fe80::1%eth0"]}, "networks[0]", "leave out the scope"),
        ({"networks": "10.0.0.0/8"}, "networks", "a list is needed"),
        ({"networks": [10]}, "networks[0]", "a text"),
        ({"networks": ["10.0.0.0/8"] * (MAX_ENTRIES + 1)}, "networks", f"at most {MAX_ENTRIES}"),
        ({"users": []}, "users", 'users = ["*"] is everybody'),
        ({"users": [" ada"]}, "users[0]", "without spaces"),
        ({"users": ["a" * (MAX_TEXT + 1)]}, "users[0]", f"at most {MAX_TEXT}"),
        ({"users": ["*a*b*c*d*"]}, "users[0]", 'at most 4 "*"'),
        ({"methods": ["pasword"]}, "methods[0]", "password+totp"),
        ({"methods": ["oidc:"]}, "methods[0]", "oidc:NAME"),
        ({"methods": ["odic:*"]}, "methods[0]", "oidc:NAME"),
        ({"doors": ["window"]}, "doors[0]", "tsg and web"),
        ({"when": "mon"}, "when", "zone and times"),
        ({"when": {"times": ["mon"]}}, "when.zone", "like Europe/Berlin"),
        ({"when": {**WHEN, "zone": "Mars/Olympus"}}, "when.zone", "like Europe/Berlin"),
        ({"when": {**WHEN, "zone": "../../etc/passwd"}}, "when.zone", "like Europe/Berlin"),
        ({"when": {"zone": "UTC"}}, "when.times", "mon-fri 08:00-18:00"),
        ({"when": {"zone": "UTC", "times": ["mo"]}}, "when.times[0]", '"mo" is no weekday'),
        ({"when": {"zone": "UTC", "times": ["mon-"]}}, "when.times[0]", '"" is no weekday'),
        ({"when": {"zone": "UTC", "times": ["mon 8:00-18:00"]}}, "when.times[0]", '"8:00" is no time'),
        ({"when": {"zone": "UTC", "times": ["08:00"]}}, "when.times[0]", "no time range"),
        ({"when": {"zone": "UTC", "times": ["08:00-24:01"]}}, "when.times[0]", '"24:01" is no time'),
        ({"when": {"zone": "UTC", "times": ["08:00-08:60"]}}, "when.times[0]", '"08:60" is no time'),
        ({"when": {"zone": "UTC", "times": ["08:00-08:00"]}}, "when.times[0]", "00:00-24:00"),
        ({"when": {"zone": "UTC", "times": ["24:00-08:00"]}}, "when.times[0]", "00:00-24:00"),
        ({"when": {**WHEN, "days": ["mon"]}}, "when.days", "only zone and times"),
        ({"effect": "permit"}, "effect", "allow or deny"),
        ({"kind": "conection"}, "kind", "connection or resource"),
        ({"enabled": "yes"}, "enabled", "true or false"),
        ({"name": ""}, "name", "like Office hours"),
        ({"name": "x" * 65}, "name", "at most 64"),
        ({"desktops": ["one"]}, "desktops", "there is no such field, only name, kind"),
        ({"redirections": {"clipboard": False}}, "redirections.clipboard", "only clipboard_in"),
        ({"redirections": {"files": 1}}, "redirections.files", "true or false"),
        ({"limits": {"idle_minutes": -1}}, "limits.idle_minutes", "from 0 to"),
        ({"limits": {"idle_minutes": True}}, "limits.idle_minutes", "number of minutes"),
        ({"limits": {"session_minutes": float("nan")}}, "limits.session_minutes", "number of minutes"),
    ],
)
def test_what_is_half_typed_is_refused_with_its_field_its_value_and_what_may_stand_there(table, field, says):
    with pytest.raises(PolicyError) as refused:
        policy(EVERYBODY, **table)
    assert refused.value.field == field
    assert says in refused.value.allowed
    assert str(refused.value).startswith(f"{field}: ")


def test_a_resource_policy_names_desktops():
    for wrong in ([], None, ["*", 1]):
        with pytest.raises(PolicyError, match="desktops"):
            policy(DESKTOPS, desktops=wrong)


FULL = {
    **EVERYBODY,
    "effect": "deny",
    "enabled": False,
    "groups": ["staff", "ext-*"],
    "networks": ["10.0.0.0/8", "2001:db8::/32"],
    "methods": ["password+totp", "oidc:*"],
    "doors": ["web"],
    "when": {"zone": "Europe/Berlin", "times": ["mon-fri 08:00-18:00", "sat 22:00-02:00"]},
    "redirections": dict.fromkeys(Redirections._fields, True) | {"clipboard_in": False},
    "limits": {"idle_minutes": 15, "session_minutes": 480},
}  # fmt: skip


@pytest.mark.parametrize("table", [EVERYBODY, DESKTOPS, FULL])
def test_a_policy_is_written_as_it_was_read(table):
    read = policy(table)
    assert read.table().items() >= table.items()
    assert policy(read.table()) == read


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(sorted(FULL)), anything)
def test_whatever_stands_in_a_field_is_taken_or_refused(field, value):
    refused = None
    try:
        read = read_policy({**FULL, field: value}, ZONES.__contains__)
    except PolicyError as error:
        refused = error
    if refused is None:
        assert read_policy(read.table(), ZONES.__contains__) == read
    else:
        assert refused.field.startswith(field)
        assert str(refused).isprintable()
        assert len(str(refused)) < 500


@given(anything)
def test_whatever_is_sent_as_a_policy_is_taken_or_refused(table):
    with pytest.raises(PolicyError):
        read_policy(table, ZONES.__contains__)


# ---- patterns


@given(st.lists(st.text("ab.", max_size=3), min_size=1, max_size=5), st.text("ab.", max_size=12))
def test_patterns_fit_what_the_plain_definition_says(parts, text):
    def defined(parts, text):
        """The first part, anything, the next part …"""
        first, *rest = parts
        if not rest:
            return text == first
        return text.startswith(first) and any(
            defined(rest, text[at:]) for at in range(len(first), len(text) + 1)
        )

    assert fits("*".join(parts), text) == defined(parts, text)


def test_a_hostile_pattern_takes_no_time():
    pattern, text = "*" + "a" * 40 + "*" + "a" * 40 + "*b", "a" * MAX_TEXT
    for _ in range(10_000):  # with backtracking this would not end
        assert not fits(pattern, text)


@pytest.mark.parametrize(
    "good", [*METHODS, "*", "password*", "oidc:*", "oidc:corp", "ldap:corp+totp", "*totp"]
)
def test_methods_that_there_are(good):
    assert policy(EVERYBODY, methods=[good]).table()["methods"] == [good]


# ---- networks


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_an_ipv4_network_has_its_addresses_however_they_are_written(address, bits):
    network = ipaddress.ip_network(f"{address}/{bits}", strict=False)
    read = read_network("networks[0]", str(network))
    mapped = read_network("networks[0]", f"::ffff:{network.network_address}/{bits + 96}")
    assert read == mapped == network
    for written in (str(address), f"::ffff:{address}"):
        assert address_of(written) in read
    outside = int(address) ^ (1 << (32 - bits)) if bits else None
    if outside is not None:
        assert address_of(str(ipaddress.IPv4Address(outside))) not in read


@given(st.text(max_size=60))
def test_whatever_is_written_as_a_network_is_one_or_refused(text):
    try:
        network = read_network("networks[0]", text)
    except PolicyError:
        return
    assert read_network("networks[0]", str(network)) == network


@given(st.text(max_size=60))
def test_whatever_an_address_is_said_to_be_never_raises(text):
    assert address_of(text) is None or str(address_of(text))


def test_addresses_with_a_scope_and_in_brackets():
    assert str(address_of("fe80::1%eth0")) == "fe80::1"
    assert str(address_of("[2001:db8::1]")) == "2001:db8::1"
    assert address_of("") is None
    assert address_of("1" * 10_000) is None


# ---- times

moments = st.builds(Moment, st.integers(0, 6), st.integers(0, 24 * 60 - 1))


@given(moments, st.integers(0, 23), st.integers(0, 23), st.sets(st.integers(0, 6), min_size=1))
def test_windows_hold_as_a_walk_through_their_minutes_says(at, start, end, days):
    if start == end:
        end += 1
    written = f"{','.join(DAYS[day] for day in sorted(days))} {start:02}:00-{end:02}:00"
    length = (end - start) % 24 * 60 or 24 * 60
    within = {(day * 1440 + start * 60 + step) % (7 * 1440) for day in days for step in range(length)}
    assert read_window("times[0]", written).holds(at) == (at.weekday * 1440 + at.minute in within)


@pytest.mark.parametrize(
    ("written", "inside", "outside"),
    [
        ("mon-fri 08:00-18:00", ["Mon 08:00", "Fri 17:59"], ["Mon 07:59", "Fri 18:00", "Sat 09:00"]),
        ("sat 22:00-02:00", ["Sat 22:00", "Sun 01:59"], ["Sat 01:00", "Sun 02:00", "Sun 22:00"]),
        ("sun 22:00-02:00", ["Sun 23:59", "Mon 00:00"], ["Mon 02:00"]),
        ("fri-mon", ["Fri 00:00", "Sun 12:00", "Mon 23:59"], ["Tue 00:00", "Thu 23:59"]),
        ("22:00-06:00", ["Mon 22:00", "Thu 05:59"], ["Mon 21:59", "Tue 06:00"]),
        ("Sat,SUN  00:00-24:00", ["Sat 00:00", "Sun 23:59"], ["Fri 23:59", "Mon 00:00"]),
        ("mon 22:00-00:00", ["Mon 23:59"], ["Tue 00:00", "Mon 21:59"]),
    ],
)
def test_windows(written, inside, outside):
    window = read_window("times[0]", written)
    assert [window.holds(moment(text)) for text in inside] == [True] * len(inside)
    assert [window.holds(moment(text)) for text in outside] == [False] * len(outside)


def moment(text):
    day, _, clock = text.partition(" ")
    return Moment(DAYS.index(day.lower()), int(clock[:2]) * 60 + int(clock[3:]))


@given(st.text(max_size=40) | st.text("monfri -,:0128", max_size=25))
def test_whatever_is_written_as_a_time_is_one_or_refused(text):
    try:
        window = read_window("times[0]", text)
    except PolicyError:
        return
    assert read_window("times[0]", window.written) == window


@pytest.mark.parametrize(
    ("day", "minutes"),
    [("2026-03-29", 60), ("2026-10-25", 180), ("2026-07-05", 120)],  # clocks go forward; back; neither
)
def test_a_window_lasts_as_long_as_clocks_on_the_wall_show_it(day, minutes):
    """From 01:00 to 03:00 in Berlin: one hour where 02:00 is left out, three where it comes twice."""
    window = read_window("times[0]", "sun 01:00-03:00")
    begin = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    inside = 0
    for step in range(24 * 60):
        local = (begin + timedelta(minutes=step)).astimezone(ZoneInfo("Europe/Berlin"))
        inside += window.holds(Moment(local.weekday(), local.hour * 60 + local.minute))
    assert inside == minutes


# ---- the page


def test_the_examples_that_people_copy_are_policies():
    page = (Path(__file__).parents[3] / "docs" / "policies.md").read_text()
    found = [tomllib.loads(text) for text in re.findall(r"```toml\n(.*?)```", page, re.DOTALL)]
    assert len(found) == 6
    for table in found:
        assert policy(table).name == table["name"]


def test_the_page_names_every_field_method_and_door():
    page = (Path(__file__).parents[3] / "docs" / "policies.md").read_text()
    fields = {*policy(FULL).table(), *policy(DESKTOPS).table(), *Redirections._fields}
    for word in (*fields, *METHODS, *DOORS, *METHOD_FAMILIES):
        assert f"`{word}" in page, word
