"""GET /metrics: figures for Prometheus, for whoever knows the token.

There are no labels for sessions or people, and none for desktops but of pools: each session would leave a
dozen series behind for ever, and who works when is nobody's business. `GET /api/v1/sessions/ID/stats` tells
of one session.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from twisted.logger import Logger

from tsgateway.api.figures import Measured, of_guests, of_the_gateway
from tsgateway.errors import StartError
from tsgateway.exchange import ApiError, Request, Response

PATH = "/metrics"
MIN_TOKEN = 32
"""Characters of the token: it may be guessed at without a limit."""
TOTAL = "total"
"""The stage that all others add up to; it has a name of its own, so that a sum over stages is right."""


def read_token(path: Path | None) -> str | None:
    """Return the token of [metrics] token_file; None without one. Raises StartError."""
    if path is None:
        return None
    try:
        with path.open() as file:
            token = file.readline(1024).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = os.strerror(error.errno or 0) if isinstance(error, OSError) else "not UTF-8"
        raise StartError(f"[metrics] token_file {path} cannot be read: {why}") from None
    if len(token) < MIN_TOKEN or not token.isascii():
        raise StartError(
            f"[metrics] token_file {path} needs at least {MIN_TOKEN} ASCII characters in its first line; "
            "`openssl rand -hex 32` makes a good token"
        )
    return token


class Metrics:
    """Answers GET /metrics. token: what the request has to bring, as `Authorization: Bearer`."""

    log = Logger()

    def __init__(self, token: str, measured: Measured) -> None:
        self._token = token.encode()
        self._measured = measured
        self._families: list[Metric] = []
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    async def answer(self, request: Request) -> Response:
        """Answer one request; never raises."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), self._token):
            error = ApiError(401, "wrong_token", "This needs the token of [metrics] token_file.")
            error.headers = {"WWW-Authenticate": "Bearer"}
            return error.response()
        try:
            hosts = await self._measured.sessions.totals()
            levels = await self._measured.sessions.pools()
            own = [*of_the_gateway(self._measured), *of_guests(self._measured, levels)]
            self._families = [*own, *_of_hosts(hosts)]
            body = generate_latest(self._registry)
        except Exception:
            self.log.failure("the metrics cannot be told")
            return ApiError(500, "internal", "The log says why.").response()
        headers = {"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}
        return Response(200, body, headers, person="(metrics)")

    def collect(self) -> Iterable[Metric]:
        """prometheus_client: return what was found last."""
        return self._families


def _of_hosts(hosts: Sequence[tuple[int, Mapping[str, Any]]]) -> list[Metric]:
    by_host = ["host"]
    cpu = CounterMetricFamily(
        "tsgateway_session_host_cpu_seconds", "Processor time of a session host.", labels=by_host
    )
    frames = CounterMetricFamily("tsgateway_frames", "Frames sent to viewers.", labels=by_host)
    exact = CounterMetricFamily(
        "tsgateway_refinements", "Those frames that only made exact what was there.", labels=by_host
    )
    size = CounterMetricFamily(
        "tsgateway_encoded_bytes", "Bytes of encoded pixels sent.", labels=["host", "encoding"]
    )
    area = CounterMetricFamily("tsgateway_encoded_pixels", "Pixels sent.", labels=["host", "encoding"])
    stages = HistogramMetricFamily(
        "tsgateway_stage_seconds",
        "Time in each stage between an input and its picture; docs/latency.md.",
        labels=["host", "stage"],
    )
    total = HistogramMetricFamily(
        "tsgateway_input_to_picture_seconds", "Time from an input to its picture.", labels=by_host
    )
    for number, told in hosts:
        host = str(number)
        cpu.add_metric([host], told["cpu_seconds"])
        frames.add_metric([host], told["frames"])
        exact.add_metric([host], told["refinements"])
        for encoding, sent in told["encodings"].items():
            size.add_metric([host, encoding], sent["bytes"])
            area.add_metric([host, encoding], sent["pixels"])
        for stage, counted in told["stages"].items():
            labels, family = ([host], total) if stage == TOTAL else ([host, stage], stages)
            family.add_metric(labels, _buckets(told["bounds"], counted), counted["sum"])
    return [cpu, frames, exact, size, area, stages, total]


def _buckets(bounds: list[float], counted: Mapping[str, Any]) -> list[tuple[str, float]]:
    below = [(f"{bound:.6g}", count) for bound, count in zip(bounds, counted["below"], strict=True)]
    return [*below, ("+Inf", counted["count"])]
