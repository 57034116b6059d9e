"""What the gateway itself tells Prometheus; what its hosts tell is in `tsgateway/api/metrics.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from sessions.wire.tsg import SessionState
from tsgateway.api.counting import Counts
from tsgateway.audit.desk import AuditDesk
from tsgateway.config import Config
from tsgateway.hosts.placement import HostState
from tsgateway.hosts.sessions import Sessions

LEVELS = ("wanted", "ready", "starting")


class Measured(Protocol):
    """What the service tells of itself."""

    version: str
    config: Config
    sessions: Sessions
    counts: Counts
    audit: AuditDesk | None

    @property
    def viewers(self) -> int:
        """Viewers attached now."""

    @property
    def waiting(self) -> int:
        """People whose session waits for its turn."""

    @property
    def sign_ins(self) -> Mapping[str, int]:
        """Sign-ins so far, by how they went."""


def of_the_gateway(measured: Measured) -> list[Metric]:
    """Return what is known without asking anybody."""
    sessions = measured.sessions
    build = InfoMetricFamily("tsgateway_build", "Which tsgateway this is.", {"version": measured.version})
    viewers = GaugeMetricFamily("tsgateway_viewers", "Viewers attached now.", measured.viewers)
    waiting = GaugeMetricFamily("tsgateway_waiting", "People who wait for their turn.", measured.waiting)
    hosts = GaugeMetricFamily("tsgateway_session_hosts", "Session hosts, by state.", labels=["state"])
    for stands in HostState:
        hosts.add_metric([stands.name.lower()], sessions.hosts_in_state(stands))
    relayed = CounterMetricFamily("tsgateway_relayed_bytes", "Bytes of tsg messages relayed.", labels=["to"])
    relayed.add_metric(["viewer"], sessions.seats.relayed.to_viewers)
    relayed.add_metric(["host"], sessions.seats.relayed.to_hosts)
    families = [build, viewers, waiting, hosts, _sessions(measured), _sign_ins(measured), relayed]
    return [*families, *_requests(measured.counts), *_audit(measured.audit)]


def of_guests(measured: Measured, levels: Mapping[str, Mapping[str, Any]]) -> list[Metric]:
    """Return the guests there are, by kind, and how the pools stand. levels: as `Sessions.pools` has them."""
    guests = GaugeMetricFamily(
        "tsgateway_guests", "Guests, by kind, and whether they are somebody's.", labels=["kind", "use"]
    )
    pools = GaugeMetricFamily(
        "tsgateway_pool_guests", "Guests of a desktop that are wanted, ready or starting for nobody yet.",
        labels=["desktop", "level"],
    )  # fmt: skip
    trouble = GaugeMetricFamily(
        "tsgateway_pool_trouble", "Whether guests of a desktop cannot be made ready.", labels=["desktop"]
    )
    spare: Counter[str] = Counter()
    for name, desktop in measured.config.desktops.items():
        level = levels.get(name, {})
        spare[desktop.kind] += int(level.get("ready", 0)) + int(level.get("starting", 0))
        if desktop.pool.is_warm or level:
            for each in LEVELS:
                pools.add_metric([name, each], level.get(each, 0))
            trouble.add_metric([name], float(bool(level.get("trouble"))))
    used = _by_kind(measured)
    for kind in sorted(spare | {kind: 1 for kind, _ in used}):
        guests.add_metric([kind, "session"], sum(n for (each, _), n in used.items() if each == kind))
        guests.add_metric([kind, "spare"], spare[kind])
    return [guests, pools, trouble]


def _by_kind(measured: Measured) -> Counter[tuple[str, int]]:
    """Return how many sessions there are of each kind in each state."""
    return Counter(
        (str(each.info.get("kind", "")), int(each.info.get("state", 0))) for each in measured.sessions.all()
    )


def _sessions(measured: Measured) -> Metric:
    family = GaugeMetricFamily(
        "tsgateway_sessions", "Sessions that run, by state and kind of desktop.", labels=["state", "kind"]
    )
    found = _by_kind(measured)
    published = {desktop.kind for desktop in measured.config.desktops.values()}
    for kind in sorted(published | {kind for kind, _ in found}):
        for state in SessionState:
            if state is not SessionState.ENDED:
                family.add_metric([state.name.lower(), kind], found[kind, state])
    return family


def _sign_ins(measured: Measured) -> Metric:
    family = CounterMetricFamily(
        "tsgateway_sign_ins", "Sign-ins, by how they went and by which method.", labels=["outcome", "method"]
    )
    counted = measured.counts.sign_ins
    for outcome in measured.sign_ins:
        methods = {method for method, each in counted if each == outcome} or {"unknown"}
        for method in sorted(methods):
            family.add_metric([outcome, method], counted[method, outcome])
    return family


def _requests(counts: Counts) -> list[Metric]:
    family = CounterMetricFamily(
        "tsgateway_api_requests", "Requests to the API.", labels=["method", "route", "status"]
    )
    for (asked, status), count in counts.requests.items():
        family.add_metric([*asked, str(status)], count)
    seconds = HistogramMetricFamily(
        "tsgateway_api_request_seconds", "Time until the answer begins.", labels=["method", "route"]
    )
    for asked, durations in counts.durations.items():
        seconds.add_metric(list(asked), durations.buckets(), durations.sum)
    return [family, seconds]


def _audit(audit: AuditDesk | None) -> list[Metric]:
    if audit is None:
        return []
    trail, forwarder = audit.trail, audit.forwarder
    events = CounterMetricFamily("tsgateway_audit_events", "Events noted, by kind.", labels=["kind"])
    refusals = CounterMetricFamily("tsgateway_refusals", "What was refused, by kind.", labels=["kind"])
    for kind, count in trail.kinds.items():
        events.add_metric([kind], count)
    for kind, count in trail.refusals.items():
        refusals.add_metric([kind], count)
    families: list[Metric] = [
        events,
        refusals,
        GaugeMetricFamily("tsgateway_audit_waiting", "Events that are not written yet.", trail.waiting),
        CounterMetricFamily("tsgateway_audit_lost", "Events that were given up.", trail.given_up),
        GaugeMetricFamily("tsgateway_audit_trouble", "Whether it cannot be written.", bool(trail.trouble)),
    ]
    if forwarder is not None:
        behind = max(0, audit.last - forwarder.sent)
        families += [
            GaugeMetricFamily("tsgateway_audit_unsent", "Records that syslog has not for certain.", behind),
            GaugeMetricFamily(
                "tsgateway_audit_syslog_trouble", "Whether none can be sent.", bool(forwarder.trouble)
            ),
        ]
    return families
