"""Session hosts, the pools of desktops, and what operators set for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tsgateway.api.route import Answer, Call, May, Model, Query, Route, SignedIn, on_gateway
from tsgateway.drain import ALL, MAX_WEIGHT, MIN_WEIGHT, DrainMode, HostSetting
from tsgateway.exchange import ApiError
from tsgateway.policy import Action, Gateway, Target, authorize

if TYPE_CHECKING:
    from tsgateway.api.api import Api


class Host(Model):
    """A session host. mode: whom it takes on; points, reason: what placing thinks of it for a new session."""

    host: int
    state: str
    mode: str
    weight: int
    sessions: int
    points: float
    reason: str


class Hosts(Model):
    """The hosts, the one that gets the next session first. mode: the whole gateway's."""

    hosts: list[Host]
    mode: str


class ForDesktop(Query):
    """For sessions of which desktop."""

    desktop: str = Field("", max_length=64)


class Setting(Model):
    """What is to be changed: weight, mode, or both."""

    weight: int | None = Field(None, ge=MIN_WEIGHT, le=MAX_WEIGHT)
    mode: str | None = Field(None, pattern="^(enable|disable|drain|drain-until-restart)$")


class Pool(Model):
    """A desktop as operators see it. max: 0 without one; wanted, ready, starting: guests for nobody yet."""

    desktop: str
    title: str
    kind: str
    users: list[str]
    groups: list[str]
    wanted: int
    ready: int
    starting: int
    in_use: int
    max: int
    trouble: str


class Pools(Model):
    """The desktops that are published, and what stands ready for them."""

    desktops: list[Pool]


async def list_hosts(api: Api, call: Call) -> Answer:
    """List session hosts."""
    wanted: ForDesktop = call.query
    await api.opening.refresh()
    placer, hosts = api.sessions.placer, api.sessions.hosts
    shown = [
        {
            "host": each.number,
            "state": hosts[each.number].state.name.lower(),
            "mode": placer.setting(each.number).mode.value,
            "weight": placer.setting(each.number).weight,
            "sessions": api.sessions.on(hosts[each.number]),
            "points": round(each.points, 1),
            "reason": each.reason,
        }
        for each in api.sessions.scores(wanted.desktop)
    ]
    return {"hosts": shown, "mode": placer.settings.get(ALL, HostSetting()).mode.value}


async def set_host(api: Api, call: Call) -> Answer:
    """Weigh a session host, or set whom it (or, as `all`, the whole gateway) takes on."""
    body: Setting = call.body
    name = call.id
    if name != ALL and name not in map(str, api.sessions.hosts):
        known = ", ".join(map(str, api.sessions.hosts))
        raise ApiError(404, "no_such_host", f"There is no host {name!r}; there are {known}, and all.")
    if body.weight is not None:
        if name == ALL:
            raise ApiError(400, "bad_request", "A weight says how much one host gets; name one.")
        await api.access(api.store.hosts.set_weight, name, body.weight, api.wall())
    if body.mode is not None:
        await api.access(api.store.hosts.set_mode, name, DrainMode(body.mode), api.wall())
    await api.opening.refresh()
    return None


async def list_pools(api: Api, call: Call) -> Answer:
    """List the desktops that are published, and the guests that stand ready for them."""
    levels = await api.sessions.pools()
    shown = []
    for name, desktop in api.desktops.items():
        right = api.right(name)
        if right is None or not _sees(api, call, right):
            continue
        level, in_use, most = levels.get(name, {}), api.sessions.of(name), desktop.pool.max
        room = max(0, most - in_use) if most else level.get("wanted", 0)
        shown.append(
            {
                "desktop": name,
                "title": desktop.title,
                "kind": desktop.kind,
                "users": sorted(desktop.users),
                "groups": sorted(desktop.groups),
                "wanted": min(level.get("wanted", 0), room),
                "ready": level.get("ready", 0),
                "starting": level.get("starting", 0),
                "in_use": in_use,
                "max": most,
                "trouble": level.get("trouble", ""),
            }
        )
    return {"desktops": shown}


def _sees(api: Api, call: Call, target: Target) -> bool:
    return authorize(call.subject, Action.SEE_DESKTOPS, target) or authorize(
        call.subject, Action.SEE_DESKTOPS, Gateway()
    )


ROUTES = (
    Route(
        "GET", "/api/v1/hosts", list_hosts, "List session hosts", May(Action.SEE_HOSTS, on_gateway),
        query=ForDesktop, answer=Hosts,
    ),
    Route(
        "PATCH", "/api/v1/hosts/{id}", set_host, "Set up a session host", May(Action.SET_HOSTS, on_gateway),
        Setting,
    ),
    Route(
        "GET", "/api/v1/pools", list_pools, "List published desktops and their pools", SignedIn(),
        answer=Pools,
    ),
)  # fmt: skip
