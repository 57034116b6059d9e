"""The audit over the API and at the command line, of a real gateway."""

from __future__ import annotations

import json
import time

import pytest
import pytest_twisted
from click.testing import CliRunner
from twisted.internet import reactor

from tests.tsgateway.audit.made import audit_of, event
from tests.tsgateway.support import Person, World, until
from tsgateway.audit.desk import AuditDesk
from tsgateway.audit.keys import PublicKey
from tsgateway.audit.segments import HEAD
from tsgateway.cli.audit import audit as command
from tsgateway.config.audit import AuditSection


async def written(world: World) -> None:
    await until(lambda: not world.gateway.audit.trail.waiting, "the audit to be written")


async def checked(ada: Person) -> dict:
    assert (await ada.post("/api/v1/audit/verify")).status == 200
    for _ in range(1000):
        answer = (await ada.get("/api/v1/audit/verify")).json
        if answer["state"] != "running":
            return answer
    raise AssertionError("it goes on for ever")


@pytest_twisted.ensureDeferred
async def test_records_are_found_page_by_page(world: World):
    ada = await world.sign_in()
    for _ in range(3):
        await world.request("POST", "/api/v1/login", {"name": "bob", "password": "wrong"})
    await written(world)
    first = (await ada.get("/api/v1/audit?kind=sign-in.refused&limit=2")).json
    assert [each["who"] for each in first["records"]] == ["bob", "bob"]
    rest = (await ada.get(f"/api/v1/audit?kind=sign-in.refused&limit=2&before={first['next']}")).json
    assert (len(rest["records"]), rest["next"]) == (1, None)
    assert (await ada.get("/api/v1/audit?text=configur&who=")).json["records"][0]["kind"] == (
        "configuration.loaded"
    )
    for query in ("since=2100-01-01", "until=2000-01-01T00:00:00%2B02:00", "who=nobody", "text=nowhere"):
        assert (await ada.get(f"/api/v1/audit?{query}")).json == {"records": [], "next": None}, query
    for query in (
        "since=yesterday",
        "limit=0",
        "limit=501",
        "before=0",
        "before=x",
        "who=" + "x" * 257,
        "x=1",
    ):
        answer = await ada.get(f"/api/v1/audit?{query}")
        assert (answer.status, answer.code) == (400, "bad_request"), query


@pytest_twisted.ensureDeferred
async def test_who_may_not_sees_nothing_and_that_is_noted(world: World):
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    for path in ("", "/export", "/key", "/verify"):
        assert (await bob.get(f"/api/v1/audit{path}")).status == 403
        assert (await world.request("GET", f"/api/v1/audit{path}")).status == 401
    assert (await bob.post("/api/v1/audit/verify")).status == 403
    await written(world)
    found = (await ada.get("/api/v1/audit?who=bob&outcome=refused")).json["records"]
    assert {each["kind"] for each in found} == {
        "admin.search-audit", "admin.export-audit", "admin.show-audit-key", "admin.show-audit-check",
        "admin.verify-audit",
    }  # fmt: skip


@pytest_twisted.ensureDeferred
async def test_all_of_it_is_exported(world: World):
    ada = await world.sign_in()
    await written(world)
    answer = await ada.get("/api/v1/audit/export")
    assert answer.headers["Content-Type"] == "application/jsonl"
    stored = b"".join(path.read_bytes() for path in sorted(world.gateway.layout.audit.glob("*.jsonl")))
    body = await whole(world, ada, "/api/v1/audit/export")
    assert body == stored
    few = await whole(world, ada, "/api/v1/audit/export?kind=gateway&after=1")
    assert [json.loads(line)["kind"] for line in few.splitlines()] == ["gateway.started"]
    syslog = await whole(world, ada, "/api/v1/audit/export?form=syslog&kind=sign-in.accepted")
    assert syslog.startswith(b"<110>1 20")
    assert b' sign-in.accepted [tsgateway@32473 seq="' in syslog


async def whole(world: World, ada: Person, path: str) -> bytes:
    """A streamed answer without its chunks' lengths."""
    line = await world.knock()
    head = [f"GET {path} HTTP/1.1", "Host: x", "Connection: close", f"Cookie: __Host-tsgateway={ada.cookie}"]
    line.write("\r\n".join([*head, "", ""]).encode())
    data = await line.to_end()
    _, _, rest = data.partition(b"\r\n\r\n")
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return body


@pytest_twisted.ensureDeferred
async def test_it_is_checked_while_it_is_written(world: World):
    ada = await world.sign_in()
    assert (await ada.get("/api/v1/audit/verify")).code == "not_checked"
    await written(world)
    answer = await checked(ada)
    assert (answer["state"], answer["findings"], answer["first"]) == ("good", [], 1)
    [path] = world.gateway.layout.audit.glob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"who":"ada"', b'"who":"eve"', 1))
    answer = await checked(ada)
    assert answer["state"] == "damaged"
    [finding] = answer["findings"]
    assert (finding["what"], finding["segment"]) == ("edited", path.name)
    await written(world)
    found = (await ada.get("/api/v1/audit?kind=audit.verified")).json["records"]
    assert [each["outcome"] for each in found] == ["damaged", "good"]


@pytest_twisted.ensureDeferred
async def test_the_public_key_is_given(world: World, tmp_path):
    ada = await world.sign_in()
    await written(world)
    (tmp_path / "key").write_text((await ada.get("/api/v1/audit/key")).json["key"])
    assert PublicKey.read(tmp_path / "key").pem == (world.gateway.layout.audit / "key.pub").read_text()


# ---- the command


@pytest.fixture
def run(tmp_path):
    (tmp_path / "c.toml").write_text(f'data.directory = "{tmp_path}"\n')
    audit_of(tmp_path / "audit", 20).close()

    def run(*words: str):
        return CliRunner().invoke(command, [words[0], "--config", str(tmp_path / "c.toml"), *words[1:]])

    return run


def test_the_command_verifies(run, tmp_path):
    done = run("verify")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "good")
    path = tmp_path / "audit" / "000000000001.jsonl"
    path.write_bytes(path.read_bytes().replace(b"bob", b"eve", 1))
    done = run("verify")
    assert done.exit_code == 1
    assert done.stdout.startswith(
        "000000000001.jsonl, line 3: record 3 is not the one that was written: it was edi"
    )
    assert done.stdout.splitlines()[-1] == "TAMPERED WITH"


def test_the_command_knows_what_was_kept_elsewhere(run, tmp_path):
    kept = tmp_path / "kept.json"
    kept.write_bytes((tmp_path / "audit" / HEAD).read_bytes())
    (tmp_path / "key").write_bytes((tmp_path / "audit" / "key.pub").read_bytes())
    words = ("verify", "--checkpoint", str(kept), "--key", str(tmp_path / "key"))
    assert run(*words).exit_code == 0
    kept.write_text("{}")
    done = run(*words)
    assert (done.exit_code, "holds no checkpoint" in done.stderr) == (2, True)
    done = run("verify", "--key", str(tmp_path / "nothing"))
    assert (done.exit_code, "cannot be read" in done.stderr) == (2, True)


def test_the_command_exports(run):
    done = run("export", "--kind", "session", "--who", "ada")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert records
    assert {(each["who"], each["kind"].partition(".")[0]) for each in records} == {("ada", "session")}
    assert len(run("export").stdout.splitlines()) > 20
    assert run("export", "--format", "syslog").stdout.startswith("<10")


@pytest_twisted.ensureDeferred
async def test_a_gateway_that_is_stopped_does_not_wait_for_who_reads(tmp_path, monkeypatch):
    """However long a check would take."""
    monkeypatch.setattr("tsgateway.audit.verify.TELL_EVERY", 1)
    settings = AuditSection.model_validate({})
    desk = AuditDesk(tmp_path, settings, reactor, wall=time.time)
    desk.start()
    for number in range(500):
        desk.note(event(number))
    await until(lambda: desk.last > 500, "the records")
    begun = desk.verify()
    assert desk.verify() is begun  # one at a time
    await desk.stop()
    await until(lambda: not begun.is_running, "the check's end")
    assert begun.failed == "the gateway is being stopped" or begun.report.is_good
