"""`python -m bench.authorize`: what it costs to ask whether somebody may, and whether they get a desktop.

authorize() with each kind of target, for who has no role and for who has many; decide(), which says why, and
allows(), which does not, with one policy of each kind and with 100, of which only the last fits: the worst
there is. Processor time of the best of several runs: other programs disturb upwards only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from tsgateway.access.zones import is_zone, moments
from tsgateway.policy import Action, DesktopRight, Gateway, Granted, Own, Owned, Role, Subject, authorize
from tsgateway.policy.conditions import Context
from tsgateway.policy.decision import allows, decide
from tsgateway.policy.policies import Policy, read_policy

RUNS, CALLS = 15, 500
GOAL = 50.0
"""Microseconds that authorize() may take."""
MONDAY = 1_787_558_400.0  # 24 August 2026, 08:00 UTC
GROUPS = frozenset(f"group{number}" for number in range(50))
RIGHT = DesktopRight(frozenset(f"user{number}" for number in range(1000)), frozenset({"others"}), "lab")
PLAIN = Subject("ada", GROUPS)
MANY = replace(
    PLAIN, roles=frozenset(Granted(role, f"desktop{number}") for role in Role for number in range(20))
)
TARGETS = {
    "a desktop": (Action.CONNECT, RIGHT),
    "somebody's session": (Action.SHADOW, Owned("bob", RIGHT, "lab")),
    "the gateway": (Action.SET_USERS, Gateway()),
    "an account": (Action.OWN_ACCOUNT, Own("bob")),
}
BASE = {"users": ["ext-*", "*-admin"], "groups": ["others", "staff"]}
LATE = {"zone": "Europe/Berlin", "times": ["sat,sun", "mon-fri 22:00-06:00"]}


def best(call: Callable[[], object]) -> float:
    """Return what `call` takes at best, microseconds of processor time."""
    times = []
    for _ in range(RUNS):
        begun = time.process_time()
        for _ in range(CALLS):
            call()
        times.append(time.process_time() - begun)
    return 1e6 * min(times) / CALLS


def misfits(kind: str, count: int, miss: str) -> list[Policy]:
    """Policies that do not fit, by one condition: the first that is looked at, or the last."""
    found = []
    for number in range(count):
        table = {"name": f"{kind}{number}", "kind": kind, **(BASE if miss == "who" else {"users": ["*"]})}
        if kind == "connection" and miss == "when":
            table |= {
                "networks": [f"10.{number}.0.0/16" for number in range(8)],
                "methods": ["*"],
                "doors": ["web"],
            }
        if kind == "resource":
            table |= {"desktops": ["*"]}
        found.append(read_policy({**table, **({"when": LATE} if miss == "when" else {})}, is_zone))
    return found


def policies(count: int, miss: str = "who") -> list[Policy]:
    """So many policies, half of each kind; the last of each fits."""
    half = count // 2 - 1
    last = [
        read_policy({"name": "c", "kind": "connection", "users": ["*"]}, is_zone),
        read_policy({"name": "r", "kind": "resource", "users": ["*"], "desktops": ["*"]}, is_zone),
    ]
    return [*misfits("connection", half, miss), *misfits("resource", half, miss), *last]


def main() -> None:
    """Print the tables."""
    empty = best(lambda: None)
    print(f"microseconds of processor time, best of {RUNS}; an empty call takes {empty:.2f}\n")
    print(f"{'authorize()':<32}{'no role':>12}{'100 roles':>12}{'of the goal':>14}")
    for name, (action, target) in TARGETS.items():
        plain = best(lambda: authorize(PLAIN, action, target))  # noqa: B023
        many = best(lambda: authorize(MANY, action, target))  # noqa: B023
        print(f"{name:<32}{plain:>12.2f}{many:>12.2f}{100 * many / GOAL:>13.1f}%")
    print(f"\n{'of 100 policies':<32}{'2 policies':>12}{'100':>12}{'ratio':>14}")
    for miss, name in (("who", "miss by who"), ("when", "miss by when, the last")):
        few, hundred = policies(2), policies(100, miss)
        zones = {zone for policy in hundred for zone in policy.zones}
        asked = Context("ada", GROUPS, "10.7.2.3", "password", "web", moments(zones, MONDAY))
        assert decide(hundred, asked, "lab").allowed  # noqa: S101
        for how in (decide, allows):
            least = best(lambda: how(few, asked, "lab"))  # noqa: B023
            most = best(lambda: how(hundred, asked, "lab"))  # noqa: B023
            print(f"{how.__name__ + '(), ' + name:<32}{least:>12.2f}{most:>12.2f}{most / least:>14.1f}")


if __name__ == "__main__":
    main()
