"""Pages, files, errors: their headers, and what no path reaches."""

import gzip
import json
import posixpath
import re
from http import HTTPStatus

import brotli
import pytest
import pytest_twisted

from tests.tsgateway.support import World
from tsgateway.api.static import StaticFiles
from tsgateway.service import web_client_folder

HEADERS = {
    "Content-Security-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Embedder-Policy",
    "Cross-Origin-Resource-Policy",
    "X-Content-Type-Options",
    "Referrer-Policy",
    "Strict-Transport-Security",
    "Permissions-Policy",
}


@pytest_twisted.ensureDeferred
async def test_who_looks_at_a_page_that_is_not_there_sees_a_page(world: World):
    answer = await world.request("GET", "/missing", headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status == 404
    assert answer.body == (await world.request("GET", "/")).body


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("GET", "/desktops", 200),
        ("GET", "/session/0123", 200),
        ("GET", "/desktop/one", 200),
        ("GET", "/sw.js", 200),
        ("GET", "/static/app.js", 200),
        ("GET", "/static/missing.js", 404),
        ("GET", "/missing", 404),
        ("POST", "/", 405),
        ("BREW", "/", 405),
        ("GET", "/ws", 426),
        ("GET", "/api/v1/health", 200),
        ("GET", "/api/v1/me", 200),
        ("GET", "/api/v1/login", 405),
        ("POST", "/api/v1/login", 400),
        ("POST", "/api/v1/logout", 401),
        ("GET", "/api/v1/missing", 404),
        ("GET", "/api/v1/desktops", 401),
    ],
)
@pytest_twisted.ensureDeferred
async def test_every_answer_has_the_headers(world: World, method, path, status):
    answer = await world.request(method, path)
    assert (answer.status, answer.phrase) == (status, HTTPStatus(status).phrase)
    assert set(answer.headers) >= HEADERS
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert "Server" not in answer.headers
    if status >= 400:
        error = json.loads(answer.body)["error"]
        assert error["code"]
        assert error["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../pyproject.toml",
        "/static/%2e%2e/pyproject.toml",
        "/static/..%2fpyproject.toml",
        "/static//etc/passwd",
        "/static/.gitignore",
        "/static/node_modules/zstddec/package.json",
        "/static/package.json/../../README.md",
        "/static/\\..\\x",
        "//etc/passwd",
        "/../etc/passwd",
        "/static/vendor/../index.html",
        "/static/app.js%00",
    ],
)
@pytest_twisted.ensureDeferred
async def test_no_path_leads_out(world: World, path):
    assert (await world.request("GET", path)).status == 404


@pytest_twisted.ensureDeferred
async def test_files_are_sent_once(world: World):
    first = await world.request("GET", "/static/app.js")
    assert first.headers["Content-Type"] == "text/javascript; charset=utf-8"
    again = await world.request("GET", "/static/app.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    other = await world.request("GET", "/static/app.js", headers={"If-None-Match": '"x"'})
    assert other.status == 200


@pytest_twisted.ensureDeferred
async def test_a_page_asks_for_files_of_its_own_version_which_are_kept_for_good(world: World):
    page = (await world.request("GET", "/")).body.decode()
    [version] = set(re.findall(r'"/static/([^/"]+)/', page))
    assert '"/static/app.js' not in page
    named = await world.request("GET", f"/static/{version}/app.js")
    assert "immutable" in named.headers["Cache-Control"]
    assert named.body == (await world.request("GET", "/static/app.js")).body
    other = f"{int(version, 16) ^ 1:012x}"
    assert (await world.request("GET", f"/static/{other}/app.js")).status == 404
    for answer in (await world.request("GET", "/api/v1/me"), await world.request("GET", "/api/v1/desktops")):
        assert answer.headers["X-Client-Version"] == version
    shell = (await world.request("GET", f"/static/{version}/shell.json")).json
    assert {"app.js", "style.css", "pages/session.js", "vendor/zstddec-stream.mjs"} <= set(shell)
    assert not [name for name in shell if name.startswith("admin/")]
    for name in shell:
        assert (await world.request("HEAD", f"/static/{version}/{name}")).status == 200


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(
    ("accepted", "coding", "unpack"),
    [
        ("gzip, deflate, br, zstd", "br", brotli.decompress),
        ("gzip, br;q=0", "gzip", gzip.decompress),
        ("GZIP;q=0.5", "gzip", gzip.decompress),
        ("deflate, brown", None, bytes),
    ],
)
async def test_files_are_packed_for_who_can_unpack_them(world: World, accepted, coding, unpack):
    headers = {"Accept-Encoding": accepted}
    plain = await world.request("GET", "/static/style.css")
    packed = await world.request("GET", "/static/style.css", headers=headers)
    assert packed.headers.get("Content-Encoding") == coding
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert unpack(packed.body) == plain.body
    assert (packed.headers["ETag"] != plain.headers["ETag"]) is (coding is not None)
    known = {**headers, "If-None-Match": packed.headers["ETag"]}
    assert (await world.request("GET", "/static/style.css", headers=known)).status == 304


def test_the_version_changes_with_any_file(tmp_path):
    for name in ("index.html", "a.js", "deep/b.js"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('"/static/a.js"')
    files = StaticFiles(tmp_path)
    versions = [files.version]
    (tmp_path / "deep/b.js").write_text("changed")
    files.get("/static/deep/b.js", None)
    versions.append(files.version)
    (tmp_path / "c.js").write_text("new")
    assert files.get("/static/c.js", None) is not None
    versions.append(files.version)
    assert len(set(versions)) == 3
    assert files.version == StaticFiles(tmp_path).version
    assert files.page(None).body == f'"/static/{files.version}/a.js"'.encode()
    assert files.get(f"/static/{versions[0]}/a.js", None) is None


def test_files_have_their_types_and_secrets_no_name(tmp_path):
    for name in ("index.html", "a/b.css", "c.wasm", "d.woff2", ".env.js", "note.txt", "tests/t.js"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    package = tmp_path / "node_modules" / "zstddec" / "dist"
    package.mkdir(parents=True)
    (package / "zstddec-stream.mjs").write_text("z")
    outside = tmp_path.parent / "outside.js"
    outside.write_text("secret")
    (tmp_path / "link.js").symlink_to(outside)
    files = StaticFiles(tmp_path)

    def kind(path):
        found = files.get(path, None)
        return found and found.headers["Content-Type"]

    assert kind("/static/a/b.css") == "text/css; charset=utf-8"
    assert kind("/static/c.wasm") == "application/wasm"
    assert kind("/static/d.woff2") == "font/woff2"
    assert kind("/static/vendor/zstddec-stream.mjs") == "text/javascript; charset=utf-8"
    for hidden in (
        ".env.js",
        "note.txt",
        "tests/t.js",
        "link.js",
        "node_modules/zstddec/dist/zstddec-stream.mjs",
    ):
        assert kind(f"/static/{hidden}") is None
    tag = files.page(None).headers["ETag"]
    (tmp_path / "index.html").write_text("new content")
    assert files.page(tag).status == 200
    (tmp_path / "index.html").unlink()
    assert files.page(None).status == 503


# ---- what travels

_NEEDED = re.compile(r"""(?:from|import|new URL\()\s*"(\.[^"]+)\"""")
"""What comes along at once; what is loaded when somebody opens it, `import("…")`, does not."""
_SESSION = ("pages/session.js", "session.css", "strings/told/ja.js")
MOST = 284_000
"""Bytes until a session is shown."""
MOST_AT_FIRST = 110_000
"""Bytes until somebody can sign in and see their desktops."""
HEADERS_OF_ONE = 700


def _weight(files: StaticFiles, *roots: str) -> int:
    """What travels of these files and all that they need, as browsers get it."""
    weight, waiting, seen = 0, list(roots), set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        answer = files.get(f"/static/{name}", None, "br")
        assert answer is not None, name
        weight += len(answer.body) + HEADERS_OF_ONE
        if name.endswith((".js", ".mjs")):
            plain = files.get(f"/static/{name}", None).body.decode()
            for beside in _NEEDED.findall(plain):
                waiting.append(posixpath.normpath(posixpath.join(posixpath.dirname(name), beside)))
    return weight


def test_little_travels_until_a_desktop_is_shown():
    files = StaticFiles(web_client_folder())
    page = len(files.page(None, "br").body) + HEADERS_OF_ONE
    named = re.findall(r'"/static/([^"]+)"', (web_client_folder() / "index.html").read_text())
    rest = (*named, "images/icons.svg", "strings/en.js", "strings/ja.js", "strings/errors/ja.js")
    at_first = page + _weight(files, *rest)
    whole = page + _weight(files, *rest, *_SESSION)
    assert MOST_AT_FIRST / 2 < at_first < MOST_AT_FIRST  # the lower bound: that they were found
    assert MOST / 3 < whole < MOST
