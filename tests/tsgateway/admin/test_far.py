"""The commands from afar: HTTPS, tokens, certificates, and what people may not."""

from __future__ import annotations

import stat

import pyotp
import pytest_twisted
from cryptography.hazmat.primitives.hashes import SHA256
from twisted.internet.defer import Deferred

from tests.tsgateway.admin.shell import Shell, Terminal
from tests.tsgateway.support import World, until
from tsgateway.api.hub import Events


def pin(world: World) -> str:
    return world.gateway.identity.chain[0].fingerprint(SHA256()).hex(":")


async def token(world: World, name: str = "ada", **options) -> str:
    made = await (await world.sign_in(name)).post("/api/v1/tokens", {"name": "test", **options})
    assert made.status == 200, made
    return made.json["secret"]


async def far(world: World, shell: Shell, secret: str) -> list[str]:
    file = world.folder / "token"
    file.write_text(secret + "\n")
    return ["--server", world.origin, "--pin", pin(world), "--token-file", str(file)]


@pytest_twisted.ensureDeferred
async def test_the_same_from_afar(world: World, shell: Shell):
    place = await far(world, shell, await token(world))
    await (await world.sign_in("ada")).ticket("mine")
    near = (await shell.run("query", "session")).lines
    told = (await shell.run("query", "session", *place)).lines
    assert told[1] == ">" + near[1][1:], "one's own is marked"
    assert (await shell.run(*place, "query", "session")).lines == told, "before the command, too"
    environment = {
        "TSGATEWAY_SERVER": world.origin,
        "TSGATEWAY_PIN": pin(world),
        "TSGATEWAY_TOKEN_FILE": place[-1],
    }
    assert (await shell.run("query", "session", environment=environment)).lines == told
    assert (
        await shell.run("query", "session", "--config", str(shell.config), environment=environment)
    ).lines == near
    assert "you are  ada" in (await shell.run("whoami", *place)).out


@pytest_twisted.ensureDeferred
async def test_tokens_that_are_no_good(world: World, shell: Shell):
    place = await far(world, shell, "tsg_" + "x" * 43)
    assert "has expired or was revoked" in (await shell.run("qwinsta", *place, status=5)).err
    assert "tsadmin login" in (await shell.run("qwinsta", *place[:4], status=5)).err
    ran = await shell.run("qwinsta", *place[:4], "--token-file", "/no/such/file", status=5)
    assert "/no/such/file cannot be read: No such file" in ran.err
    secret = await token(world)
    place = await far(world, shell, secret)
    (found,) = await shell.json("token", "list")
    assert (await shell.run("qwinsta", *place)).status == 0
    await shell.run("token", "revoke", found["id"], "--yes")
    await shell.run("qwinsta", *place, status=5)


@pytest_twisted.ensureDeferred
async def test_events_end_for_whose_token_is_revoked(world: World, shell: Shell):
    place = await far(world, shell, await token(world))
    following = Deferred.fromCoroutine(shell.run("events", *place, status=4))
    hub = next(each for each in world.gateway.sessions.watchers if isinstance(each, Events))
    await until(lambda: len(hub), "somebody who follows")
    (found,) = await shell.json("token", "list")
    await shell.run("token", "revoke", found["id"], "--yes")
    await (await world.sign_in("ada")).ticket("mine")
    assert "signed out" in (await following).err


@pytest_twisted.ensureDeferred
async def test_a_token_that_expires(world: World, shell: Shell):
    place = await far(world, shell, await token(world, days=1 / 86_400 / 100))
    await shell.run("qwinsta", *place, status=5)


@pytest_twisted.ensureDeferred
async def test_who_has_no_right_is_told_so(world: World, shell: Shell):
    await (await world.sign_in("ada")).ticket("mine")
    place = await far(world, shell, await token(world, "bob"))
    for words in (
        ["logon", "--drain"],
        ["host", "list"],
        ["user", "list"],
        ["audit", "search"],
        ["policy", "list"],
    ):
        ran = await shell.run(*words, *place, status=3)
        assert ran.err.startswith("tsadmin: You may not"), ran.err
    ran = await shell.run("logoff", "1", "--yes", *place, status=1)
    assert ran.err == "tsadmin: no session 1; there are no sessions\n", "of others one does not even know"
    place = await far(world, shell, await token(world, "ada", read_only=True))
    ran = await shell.run("logoff", "1", "--yes", *place, status=3)
    assert "for reading only" in ran.err
    assert not world.host_requests("log_off")


@pytest_twisted.ensureDeferred
async def test_certificates_that_are_not_trusted(world: World, shell: Shell):
    place = await far(world, shell, await token(world))
    assert "self-signed" in (await shell.run("qwinsta", "--server", world.origin, *place[4:], status=4)).err
    ran = await shell.run("qwinsta", *place[:2], "--pin", "00" * 32, *place[4:], status=4)
    assert "not the one that was expected" in ran.err
    authority = str(world.gateway.layout.certificate)
    assert (await shell.run("qwinsta", *place[:2], "--ca-file", authority, *place[4:])).status == 0
    await shell.run("qwinsta", *place[:2], "--ca-file", "/no/such", *place[4:], status=2)
    await shell.run("qwinsta", "--server", "http://localhost", status=2)
    ran = await shell.run("qwinsta", "--server", "https://localhost:1", *place[2:], status=4)
    assert "nobody listens there" in ran.err


@pytest_twisted.ensureDeferred
async def test_login_keeps_a_token(world: World, shell: Shell):
    def script(terminal: Terminal) -> None:
        terminal.expect("Trust it from now on?")
        assert pin(world).upper() in terminal.shown
        terminal.type("y\n")
        terminal.expect("Name")
        terminal.type("ada\n")
        terminal.expect("Password of ada")
        terminal.type("ada's password\n")

    words = ["login", "--server", world.origin]
    shown = await shell.terminal(*words, script=script)
    assert f"You are ada at {world.origin}" in shown
    assert "ada's password" not in shown
    files = {path.name: path for path in (shell.home / "config" / "tsgateway").iterdir()}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}
    del shell.environment["TSGATEWAY_CONFIG"]
    assert world.origin in (await shell.run("whoami")).out, "asked from now on"
    assert "you are  ada" in (await shell.run("whoami")).out
    assert "local:" in (await shell.run("whoami", "--config", str(shell.config))).out
    assert (
        "no profile 'other'; there are: localhost"
        in (await shell.run("qwinsta", "--profile", "other", status=2)).err
    )
    assert "Forgotten" in (await shell.run("logout")).out
    assert await shell.json("token", "list", "--config", str(shell.config)) == []
    assert [path.name for path in (shell.home / "config" / "tsgateway").iterdir()] == ["tsadmin.toml"]


@pytest_twisted.ensureDeferred
async def test_login_between_pipes(world: World, shell: Shell):
    words = [
        "login",
        "--server",
        world.origin,
        "--pin",
        pin(world),
        "--name",
        "bob",
        "--password-stdin",
        "--as",
        "b",
    ]
    await shell.run("login", "--server", world.origin, status=4)  # nobody to ask about the certificate
    assert (await shell.run(*words, given="wrong\n", status=5)).err.startswith("tsadmin: ")
    await shell.run(*words, "--read-only", given="bob's password\n")
    assert "you are  bob" in (await shell.run("whoami", "--profile", "b")).out
    await shell.run("login", status=2)


@pytest_twisted.ensureDeferred
async def test_a_profile_file_that_is_wrong(world: World, shell: Shell):
    folder = shell.home / "config" / "tsgateway"
    folder.mkdir(parents=True)
    for text, told in (
        ("default = 3", "it has `default`"),
        ('default = "x"', "there is no profile 'x'"),
        ("[profiles.a]\nserver = 1", "needs server"),
        ('[profiles.a]\nserver = "https://x"\ntokenfile = "x"', "needs server"),
        ("[profiles", "not valid TOML"),
    ):
        (folder / "tsadmin.toml").write_text(text)
        assert told in (await shell.run("qwinsta", "--profile", "a", status=2)).err


@pytest_twisted.ensureDeferred
async def test_a_server_that_is_no_gateway(world: World, shell: Shell):
    (world.folder / "config.toml").write_text("data.directory = 'x'")
    ran = await shell.run("qwinsta", "--server", f"{world.origin}/path", status=2)
    assert "is not an address like" in ran.err


@pytest_twisted.ensureDeferred
async def test_login_with_a_second_factor_and_a_password_to_be_changed(world: World, shell: Shell):
    bob = await world.sign_in("bob")
    setup = await bob.post("/api/v1/account/totp", {"password": "bob's password"})
    app = pyotp.TOTP(setup.json["secret"])
    done = await bob.post("/api/v1/account/totp/confirm", {"code": app.now()})
    recovery = done.json["recovery_codes"][0]
    await shell.run("user", "passwd", "bob", "--password-stdin", given="a password to be changed\n")
    place = ["--server", world.origin, "--pin", pin(world), "--name", "bob"]

    def script(terminal: Terminal) -> None:
        terminal.expect("Password of bob")
        terminal.type("a password to be changed\n")
        terminal.expect("Code of your app, or a recovery code")
        terminal.type("000000\n")
        terminal.expect("Code of your app, or a recovery code")
        terminal.type(f"{recovery}\n")
        terminal.expect("New password")
        terminal.type("password\n")
        terminal.expect("Repeat")
        terminal.type("password\n")
        terminal.expect("New password")
        terminal.type("a password of my own\n")
        terminal.expect("Repeat")
        terminal.type("a password of my own\n")

    shown = await shell.terminal("login", *place, script=script)
    assert f"You are bob at {world.origin}" in shown
    assert "of my own" not in shown
    ran = await shell.run("login", *place, "--password-stdin", given="a password of my own\n", status=1)
    assert "needs more than a password" in ran.err
