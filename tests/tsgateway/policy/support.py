"""Policies as tables, and people who ask."""

from __future__ import annotations

from tsgateway.policy.conditions import Context
from tsgateway.policy.policies import Policy, read_policy
from tsgateway.policy.reading import Moment

ZONES = {"UTC", "Europe/Berlin", "America/New_York"}
EVERYBODY = {"name": "Everybody", "kind": "connection", "users": ["*"]}
DESKTOPS = {"name": "Desktops", "kind": "resource", "users": ["*"], "desktops": ["*"]}


def policy(table: dict, **more) -> Policy:
    return read_policy({**table, **more}, ZONES.__contains__, str(more.get("name", table["name"])).lower())


def context(user: str = "ada", groups=("users",), *, at: Moment | None = None, **more) -> Context:
    usual = {"address": "10.1.2.3", "method": "password", "door": "web"}
    moments = {} if at is None else dict.fromkeys(ZONES, at)
    return Context(user, frozenset(groups), moments=moments, **{**usual, **more})
