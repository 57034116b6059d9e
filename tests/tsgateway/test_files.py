"""Files by the API: up in pieces, down in ranges, within what policies and the quota allow."""

import hashlib
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_twisted

from sessions.transfer.quota import ENTRY
from tests.tsgateway.policy.support import DESKTOPS as EVERY_DESKTOP
from tests.tsgateway.policy.support import EVERYBODY
from tests.tsgateway.policy.test_policies_api import replace_all
from tests.tsgateway.support import DESKTOPS, World, http_request, until
from tsgateway.transports.http import MAX_PIECE, _Request

DATA = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()
RAW = {"Content-Type": "application/octet-stream"}
BARE = {"title": "Bare", "kind": "fake", "users": ["ada"], "shareless": True}


@pytest_twisted.async_yield_fixture
async def world():
    made = World(desktops={**DESKTOPS, "bare": BARE}, files={"quota_gb": 0.001})
    try:
        yield await made.start()
    finally:
        await made.stop()


class Files:
    """A person's files in a session."""

    def __init__(self, world, person, session):
        self.world, self.person, self.session = world, person, session
        self.base = f"/api/v1/sessions/{session}/files"

    async def list(self, path=""):
        answer = await self.person.get(f"{self.base}?path={quote(path, safe='')}")
        assert answer.status == 200, answer
        return answer.json

    async def begin(self, path, data=DATA, **more):
        body = {"path": path, "size": len(data), "changed": 1e9, **more}
        return await self.person.post(f"{self.base}/uploads", body)

    async def piece(self, upload, offset, data, **headers):
        path = f"{self.base}/uploads/{upload}?offset={offset}"
        return await self.person.ask("PUT", path, data, headers={**RAW, **headers})

    async def end(self, upload, sha256=SHA256):
        return await self.person.post(f"{self.base}/uploads/{upload}/end", {"sha256": sha256})

    async def upload(self, path, data=DATA, **more):
        begun = (await self.begin(path, data, **more)).json
        if data:
            assert (await self.piece(begun["id"], 0, data)).json == {"offset": len(data)}
        return await self.end(begun["id"], hashlib.sha256(data).hexdigest())

    async def get(self, path, **headers):
        where = f"{self.base}/content?path={quote(path, safe='')}"
        return await self.world.request("GET", where, cookie=self.person.cookie, headers=headers)


async def files_of(world, name="ada", desktop="one"):
    person = await world.sign_in(name)
    session, _ = await person.ticket(desktop)
    return Files(world, person, session)


@pytest_twisted.async_yield_fixture
async def files(world):
    yield await files_of(world)


def lines(world):
    """The lines of the audit."""
    files = sorted(Path(world.gateway.layout.audit).rglob("*.jsonl"))
    return [line for path in files for line in path.read_text().splitlines()]


async def noted(world, kind):
    """The lines that the audit has of a kind of event, once there are any."""
    found = []

    def looked():
        found[:] = [line for line in lines(world) if f'"{kind}"' in line]
        return found

    await until(looked, f"{kind} in the audit")
    return found


@pytest_twisted.ensureDeferred
async def test_a_file_goes_up_and_comes_down(world, files):
    answer = await files.upload("übung/名前.bin")
    assert answer.json == {"path": "übung/名前.bin", "bytes": len(DATA), "sha256": SHA256}
    listed = await files.list("übung")
    assert [(each["name"], each["bytes"], each["changed"]) for each in listed["files"]] == [
        ("名前.bin", len(DATA), 1e9)
    ]
    assert listed["used"] == len(DATA) + 2 * ENTRY
    assert listed["quota"] == 1_000_000
    assert listed["mounted"]
    got = await files.get("übung/名前.bin")
    assert got.body == DATA
    assert got.headers["Content-Disposition"] == ("attachment; filename*=UTF-8''%E5%90%8D%E5%89%8D.bin")
    assert got.headers["Content-Type"] == "application/octet-stream"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    checked = await files.person.get(f"{files.base}/checksum?path={quote('übung/名前.bin', safe='')}")
    assert checked.json["sha256"] == SHA256


@pytest_twisted.ensureDeferred
async def test_an_upload_goes_on_after_the_gateway_was_started_again(world, files):
    begun = (await files.begin("a.bin")).json
    assert begun["offset"] == 0
    assert begun["sha256"] == hashlib.sha256(b"").hexdigest()
    await files.piece(begun["id"], 0, DATA[:100_000])
    wrong = await files.piece(begun["id"], 50_000, b"x")
    assert (wrong.status, wrong.code, wrong.json["offset"]) == (409, "wrong_offset", 100_000)
    unfinished = (await files.list())["unfinished"]
    assert [(each["path"], each["offset"]) for each in unfinished] == [("a.bin", 100_000)]
    world.gateway._folders.shares._shares.clear()  # what another process knows
    again = (await files.begin("a.bin")).json
    assert again == {
        "id": begun["id"],
        "offset": 100_000,
        "sha256": hashlib.sha256(DATA[:100_000]).hexdigest(),
    }
    await files.piece(begun["id"], 100_000, DATA[100_000:])
    assert (await files.end(begun["id"])).status == 200
    assert (await files.get("a.bin")).body == DATA
    assert (await files.upload("a.bin")).json["path"] == "a (2).bin"


@pytest_twisted.ensureDeferred
async def test_parts_of_a_file(world, files):
    await files.upload("a.bin")
    whole = await files.get("a.bin")
    tag = whole.headers["ETag"]
    end = len(DATA) - 1
    for asked, first, last in (
        ("0-0", 0, 0),
        ("1000-", 1000, end),
        ("-5", end - 4, end),
        ("7-99999999", 7, end),
    ):
        part = await files.get("a.bin", Range=f"bytes={asked}", **{"If-Range": tag})
        assert part.status == 206
        assert part.body == DATA[first : last + 1]
        assert part.headers["Content-Range"] == f"bytes {first}-{last}/{len(DATA)}"
    for asked in ("bytes=-", "bytes=5-2", "lines=1-2", "bytes=0-1,3-4", "bytes=x"):
        answer = await files.get("a.bin", Range=asked)
        assert answer.status in (200, 416)
    assert (await files.get("a.bin", Range=f"bytes={len(DATA)}-")).status == 416
    other = await files.get("a.bin", Range="bytes=5-", **{"If-Range": '"another"'})
    assert other.status == 200
    assert other.body == DATA
    await files.upload("empty", b"")
    assert (await files.get("empty")).body == b""


@pytest_twisted.ensureDeferred
async def test_what_becomes_of_files_is_noted(world, files):
    await files.upload("a.bin")
    await files.get("a.bin")
    (up,) = await noted(world, "files.uploaded")
    assert SHA256 in up
    assert "a.bin" in up
    assert '"ada"' in up
    (down,) = await noted(world, "files.downloaded")
    assert SHA256 in down
    assert '"done"' in down
    assert not [line for line in lines(world) if "send-piece" in line]  # one for each would bury the rest


@pytest_twisted.ensureDeferred
async def test_folders_names_and_removal(world, files):
    assert (await files.person.post(f"{files.base}/folder", {"path": "a/b"})).status == 204
    await files.upload("x.bin", folder="a/b")
    assert (
        await files.person.post(f"{files.base}/name", {"path": "a/b/x.bin", "folder": "a", "name": "y.bin"})
    ).status == 204
    assert [each["name"] for each in (await files.list("a"))["files"]] == ["b", "y.bin"]
    assert (await files.person.ask("DELETE", f"{files.base}?path=a")).status == 204
    listed = await files.list()
    assert listed["files"] == []
    assert listed["used"] == 0
    assert (await files.person.ask("DELETE", f"{files.base}?path=a")).status == 404


HOSTILE = ["..", "../x", "/etc/passwd", "a/../../x", "a\\b", "x\0y", "a\u202eb", "n" * 256, "a//b"]


@pytest.mark.parametrize("path", HOSTILE)
@pytest_twisted.ensureDeferred
async def test_hostile_names_are_refused(world, files, path):
    assert (await files.begin(path)).code == "name"
    assert (await files.person.post(f"{files.base}/folder", {"path": path})).code == "name"
    where = f"?path={quote(path, safe='')}"
    for method, below in (("GET", "/content"), ("GET", ""), ("GET", "/checksum"), ("DELETE", "")):
        address = f"{files.base}{below}{where}"
        answer = await world.request(method, address, cookie=files.person.cookie)
        assert answer.status in (400, 404)
        assert answer.code in ("name", "no_such_file")


@pytest_twisted.ensureDeferred
async def test_nobody_gets_at_the_files_of_others(world, files):
    await files.upload("a.bin")
    bob = await world.sign_in("bob")
    theirs = Files(world, bob, files.session)
    for answer in (await theirs.get("a.bin"), await theirs.begin("b.bin"), await bob.get(theirs.base)):
        assert answer.status == 404
    strangers = await world.request("GET", f"{files.base}/content?path=a.bin")
    assert strangers.status == 401
    own = await files_of(world, "bob")
    assert (await own.list())["files"] == []
    other = await files_of(world, "ada", "mine")
    assert (await other.list())["files"] == []  # another desktop's


@pytest_twisted.ensureDeferred
async def test_what_the_quota_does_not_allow_is_told_before_anything_is_sent(world, files):
    refused = await files.person.post(f"{files.base}/uploads", {"path": "big", "size": 5_000_000_000})
    assert (refused.status, refused.code) == (507, "quota_full")
    assert "1 MB" in refused.json["error"]["message"]
    assert (await files.list())["unfinished"] == []


@pytest_twisted.ensureDeferred
async def test_a_desktop_without_a_folder_says_so(world):
    files = await files_of(world, "ada", "bare")
    assert (await files.begin("a.bin")).code == "no_share"


@pytest_twisted.ensureDeferred
async def test_a_policy_forbids_files(world, files):
    await replace_all(files.person, {**EVERYBODY, "redirections": {"files": False}}, EVERY_DESKTOP)
    for answer in (await files.begin("a.bin"), await files.get("a.bin"), await files.person.get(files.base)):
        assert (answer.status, answer.code) == (403, "files_forbidden")


@pytest_twisted.ensureDeferred
async def test_pieces_that_are_none_are_refused(world, files):
    begun = (await files.begin("a.bin")).json
    as_json = await files.piece(begun["id"], 0, b"x", **{"Content-Type": "application/json"})
    assert as_json.status == 415
    foreign = await files.person.ask(
        "PUT",
        f"{files.base}/uploads/{begun['id']}?offset=0",
        b"x",
        headers=RAW,
        origin="https://evil.example",
    )
    assert foreign.code == "wrong_origin"
    large = await files.piece(begun["id"], 0, bytes(MAX_PIECE + 1))
    assert large.status == 413
    assert (await files.piece("0" * 32, 0, b"x")).code == "no_such_upload"
    for offset in ("-1", "x", ""):
        answer = await files.piece(begun["id"], offset, b"x")
        assert answer.status == 400
    login = await world.request("POST", "/api/v1/login", bytes(MAX_PIECE), headers=RAW)
    assert login.status == 415


@pytest_twisted.ensureDeferred
async def test_large_bodies_on_their_way_are_bounded_and_forgotten_with_their_connections(world, files):
    begun = (await files.begin("a.bin")).json
    lines = []
    for _ in range(16):
        line = await world.knock()
        request = http_request(
            world.origin, "PUT", f"{files.base}/uploads/{begun['id']}?offset=0", b"",
            cookie=files.person.cookie, headers={**RAW, "Content-Length": str(MAX_PIECE)},
        )  # fmt: skip
        line.write(request + b"x")
        lines.append(line)
    await until(lambda: _Request._pieces == 16 * MAX_PIECE, "sixteen bodies on their way")
    assert (await files.piece(begun["id"], 0, DATA)).status == 503
    for line in lines:
        line.cut()
    await until(lambda: _Request._pieces == 0, "their end")
    assert (await files.piece(begun["id"], 0, DATA)).status == 200
    assert _Request._pieces == 0
