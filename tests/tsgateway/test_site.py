"""Pages, files, errors: their headers, and what no path reaches."""

import json
from http import HTTPStatus

import pytest
import pytest_twisted

from tests.tsgateway.support import World
from tsgateway.api.static import StaticFiles

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


def test_files_have_their_types_and_secrets_no_name(tmp_path):
    for name in ("index.html", "a/b.css", "c.wasm", "d.woff2", ".env.js", "note.txt", "tests/t.js"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    package = tmp_path / "node_modules" / "zstddec" / "dist"
    package.mkdir(parents=True)
    (package / "zstddec.mjs").write_text("z")
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
    assert kind("/static/vendor/zstddec.mjs") == "text/javascript; charset=utf-8"
    for hidden in (".env.js", "note.txt", "tests/t.js", "link.js", "node_modules/zstddec/dist/zstddec.mjs"):
        assert kind(f"/static/{hidden}") is None
    tag = files.page(None).headers["ETag"]
    (tmp_path / "index.html").write_text("new content")
    assert files.page(tag).status == 200
    (tmp_path / "index.html").unlink()
    assert files.page(None).status == 503
