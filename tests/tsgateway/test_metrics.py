"""GET /metrics as Prometheus reads it, from a gateway with the real session host."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import pytest_twisted
from prometheus_client.parser import text_string_to_metric_families

from sessions.wire.tsg import Ack, Stage
from tests.tsgateway.support import World, running, until
from tests.tsgateway.test_with_testcard import DESKTOPS, Typist
from tsgateway.api.metrics import MIN_TOKEN, read_token
from tsgateway.errors import StartError

TOKEN = "0123456789abcdef" * 4


@pytest_twisted.async_yield_fixture
async def measured(tmp_path):
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    metrics = {"token_file": str(tmp_path / "token")}
    syslog = {"syslog": "udp://127.0.0.1:9"}
    async for made in running(desktops=DESKTOPS, metrics=metrics, audit=syslog):
        yield made


async def scrape(world: World) -> dict:
    """Every sample: (name, labels as sorted pairs) → value; and the families by name."""
    answer = await world.request("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status == 200, answer
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    samples = {}
    for family in text_string_to_metric_families(answer.body.decode()):
        assert family.documentation
        assert family.type != "unknown"
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            assert key not in samples
            samples[key] = sample.value
    return samples


def of(samples: dict, name: str, **labels: str) -> float:
    return samples[(name, *sorted(labels.items()))]


@pytest_twisted.ensureDeferred
async def test_what_is_measured_is_told(measured: World):
    bob = await measured.sign_in("bob")
    wrong = {"name": "bob", "password": "wrong"}
    assert (await measured.request("POST", "/api/v1/login", wrong)).status == 401
    session, ticket = await bob.ticket("still")
    typist = await Typist.attach(measured, ticket)
    await typist.type(4)
    before = await scrape(measured)
    assert of(before, "tsgateway_viewers") == 1
    assert of(before, "tsgateway_session_hosts", state="up") == 1
    assert of(before, "tsgateway_session_hosts", state="down") == 0
    assert of(before, "tsgateway_sessions", state="active", kind="testcard") == 1
    assert of(before, "tsgateway_sessions", state="starting", kind="testcard") == 0
    assert of(before, "tsgateway_sign_ins_total", outcome="accepted", method="password") == 1
    assert of(before, "tsgateway_sign_ins_total", outcome="refused", method="unknown") == 1
    assert of(before, "tsgateway_relayed_bytes_total", to="viewer") > 1000
    assert of(before, "tsgateway_relayed_bytes_total", to="host") >= 5 * len(Ack(1, 1, 1).encode())
    assert of(before, "tsgateway_guests", kind="testcard", use="session") == 1
    assert of(before, "tsgateway_guests", kind="testcard", use="spare") == 0
    assert of(before, "tsgateway_waiting") == 0
    assert of(before, "tsgateway_audit_events_total", kind="session.began") == 1
    assert of(before, "tsgateway_audit_lost_total") == 0
    assert of(before, "tsgateway_audit_trouble") == 0
    assert of(before, "tsgateway_refusals_total", kind="sign-in.refused") == 1
    login = {"method": "POST", "route": "/api/v1/login"}
    assert of(before, "tsgateway_api_requests_total", status="200", **login) == 1
    assert of(before, "tsgateway_api_requests_total", status="401", **login) == 1
    assert of(before, "tsgateway_api_request_seconds_count", **login) == 2
    assert of(before, "tsgateway_frames_total", host="0") >= 5
    assert of(before, "tsgateway_encoded_bytes_total", host="0", encoding="history") > 100
    assert of(before, "tsgateway_session_host_cpu_seconds_total", host="0") > 0
    assert of(before, "tsgateway_input_to_picture_seconds_count", host="0") >= 4
    assert of(before, "process_cpu_seconds_total") > 0
    for stage in Stage:
        if stage is not Stage.TOTAL:
            assert of(before, "tsgateway_stage_seconds_count", host="0", stage=stage.name.lower()) >= 4
    await bob.post(f"/api/v1/sessions/{session}/reset")
    await until(lambda: len(measured.gateway.sessions) == 0, "the session's end")
    after = await scrape(measured)
    assert of(after, "tsgateway_sessions", state="active", kind="testcard") == 0
    for key, value in before.items():  # counters outlive what they count
        if key[0].endswith(("_total", "_count", "_sum", "_bucket")):
            assert after[key] >= value


@pytest_twisted.ensureDeferred
async def test_histograms_are_sound_and_name_nobody(measured: World):
    bob = await measured.sign_in("bob")
    session, ticket = await bob.ticket("still")
    await (await Typist.attach(measured, ticket)).type(2)
    samples = await scrape(measured)
    buckets: dict[tuple, list[tuple[float, float]]] = {}
    for (name, *labels), value in samples.items():
        if name.endswith("_bucket"):
            rest = tuple(pair for pair in labels if pair[0] != "le")
            buckets.setdefault((name, rest), []).append((float(dict(labels)["le"]), value))
    assert len([name for name, _ in buckets if "stage" in name or "input" in name]) == len(Stage)
    for (name, labels), found in buckets.items():
        found.sort()
        counts = [count for _, count in found]
        assert counts == sorted(counts)
        assert found[-1][0] == float("inf")
        assert counts[-1] == samples[(name.replace("_bucket", "_count"), *labels)] > 0
    words = {str(part) for key in samples for pair in key[1:] for part in pair}
    assert not words & {session, "bob", "still"}


@pytest_twisted.ensureDeferred
async def test_strangers_cannot_make_series(measured: World):
    for number in range(50):
        await measured.request("GET", f"/api/v1/nothing/{number}")
        await measured.request(f"M{number}", "/api/v1/me", headers={"Content-Type": "application/json"})
        await measured.request("GET", f"/api/v1/sessions/{number}/stats")
    samples = await scrape(measured)
    found = [dict(labels) for name, *labels in samples if name == "tsgateway_api_requests_total"]
    assert {(each["method"], each["route"]) for each in found} == {
        ("GET", "none"), ("other", "none"), ("GET", "/api/v1/sessions/{id}/stats"),
    }  # fmt: skip


@pytest_twisted.ensureDeferred
async def test_the_rules_for_alarms_ask_for_what_there_is(measured: World):
    page = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text()
    rules = next(block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "groups:" in block)
    asked = set(re.findall(r"tsgateway_[a-z_]+", rules))
    assert len(asked) > 8
    answer = await measured.request("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    types = dict(re.findall(r"# TYPE (\w+) (\w+)", answer.body.decode()))
    for name, kind in list(types.items()):
        if kind == "histogram":
            types[f"{name}_bucket"] = kind
    assert asked <= types.keys()


@pytest_twisted.ensureDeferred
async def test_promtool_has_nothing_to_say(measured: World):
    """Prometheus' own linter, where it is installed (Debian: prometheus)."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    bob = await measured.sign_in("bob")
    _, ticket = await bob.ticket("still")
    await (await Typist.attach(measured, ticket)).type(2)
    answer = await measured.request("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    checked = subprocess.run(  # noqa: ASYNC221 - it takes a moment
        [promtool, "check", "metrics"], input=answer.body, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


@pytest_twisted.ensureDeferred
async def test_a_host_that_is_away_does_not_keep_others_from_being_told(measured: World):
    [host] = [host for host in measured.gateway._hosts.all if host.up]
    await host.stop()
    samples = await scrape(measured)
    assert of(samples, "tsgateway_session_hosts", state="up") == 0
    assert not any(name == "tsgateway_frames_total" for name, *_ in samples)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer \xe9"},
    ],
)
@pytest_twisted.ensureDeferred
async def test_without_the_token_nothing_is_told(measured: World, headers):
    ada = await measured.sign_in()  # an administrator's cookie is no token
    answer = await measured.request("GET", "/metrics", cookie=ada.cookie, headers=headers)
    assert (answer.status, answer.code) == (401, "wrong_token")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert b"tsgateway_" not in answer.body


@pytest_twisted.ensureDeferred
async def test_there_is_nothing_unless_it_was_configured(world: World):
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer {TOKEN}"}):
        answer = await world.request("GET", "/metrics", headers=headers)
        assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize(
    "content", [b"", b"short\n", b"x" * (MIN_TOKEN - 1), b"\n" + b"x" * 64, b"\xff" * 64]
)
def test_a_token_that_can_be_guessed_or_read_by_nobody_stops_the_start(tmp_path, content):
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(StartError, match="token_file"):
        read_token(path)
    path.unlink()
    with pytest.raises(StartError, match="No such file"):
        read_token(path)


def test_the_first_line_is_the_token(tmp_path):
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}  \na comment\n")
    assert read_token(path) == TOKEN
    assert read_token(None) is None
