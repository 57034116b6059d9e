"""The commands, each in a process of its own as people run them."""

import fcntl
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import terminal
from tsgateway.cli import doctor
from tsgateway.config import Config
from tsgateway.store import Store

ROOT = Path(__file__).parents[2]
PATIENCE = 180


class Shell:
    """Runs `tsgateway` with a configuration and a data directory of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "c.toml"
        self.configure("")
        self.environment = {
            **os.environ,
            "TSGATEWAY_CONFIG": str(self.config),
            "PYTHONPATH": str(ROOT),
        }

    def configure(self, text: str) -> None:
        self.config.write_text(f'data.directory = "{self.folder / "data"}"\n{text}')

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "tsgateway.cli.main", *arguments]

    def __call__(self, *arguments: str, given: str = "", status: int = 0) -> str:
        """Run to the end; returns both outputs."""
        done = subprocess.run(
            self.command(*arguments),
            input=given,
            env=self.environment,
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == status, done.stdout
        assert "Traceback" not in done.stdout
        return done.stdout

    def start(self, *command: str) -> subprocess.Popen[str]:
        return terminal.start(command, self.folder, self.environment)


@pytest.fixture
def shell(tmp_path):
    return Shell(tmp_path)


def read_until(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """Read lines until one matches."""
    seen = []
    for line in process.stdout:
        seen.append(line)
        if found := re.search(pattern, line):
            return found
    raise AssertionError(f"no {pattern!r} in {''.join(seen)}")


def test_accounts(shell: Shell):
    assert "no accounts yet" in shell("user", "list")
    made = shell("user", "add", "Ada", "--admin", "--group", "staff")
    password = re.search(r"password: (\S+)", made)[1]
    assert len(password) == 23
    assert "is set" in shell("user", "add", "bob", "--password-stdin", given="a long story of a secret\n")
    listed = shell("user", "list").splitlines()
    assert [line.split(maxsplit=1) for line in listed] == [
        ["ada", "administrators, staff, users"],
        ["bob", "users"],
    ]
    assert "already" in shell("user", "add", "ada", status=1)
    assert "no account" in shell("user", "passwd", "eve", status=1)
    before = _stored(shell, "ada")
    assert password not in shell("user", "passwd", "ada")
    assert _stored(shell, "ada") != before
    assert "12 to 1024" in shell("user", "passwd", "ada", "--password-stdin", given="short\n", status=2)
    assert "cannot be a name" in shell("user", "add", "a b", status=2)


def _stored(shell: Shell, name: str) -> str:
    store = Store(shell.folder / "data" / "tsgateway.db")
    try:
        return store.user(name).password
    finally:
        store.close()


def test_init_is_done_once(shell: Shell):
    said = shell("init")
    assert "admin" in said
    assert re.search(r"password: \S{23}", said)
    files = {path.name for path in (shell.folder / "data").iterdir()}
    assert files >= {"certificate.pem", "key.pem", "tsgateway.db"}
    before = _stored(shell, "admin")
    assert shell("init") == ""
    assert _stored(shell, "admin") == before


def test_a_name_that_nobody_could_sign_in_with_is_refused(shell: Shell):
    assert "cannot be a name" in shell("init", "--administrator", "Bob Smith", status=2)
    assert "bob" in shell("init", "--administrator", "Bob")
    assert _stored(shell, "bob")


def test_commands_are_told_as_they_can_be_typed(shell: Shell):
    program = Path(sys.executable).with_name("tsgateway")
    shell.environment["PATH"] = "/usr/bin:/bin"
    done = subprocess.run(
        [program, "init"], env=shell.environment, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert f"`{program} user passwd admin`" in done.stdout
    shell.environment["PATH"] = f"{program.parent}:/usr/bin:/bin"
    done = subprocess.run(
        [program, "user", "passwd", "eve"], env=shell.environment, capture_output=True, text=True, check=False
    )
    assert "`tsgateway user list`" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("serv",), "'serve'"),
        (("user", "ad"), "Did you mean 'add'?"),
        (("serve", "--prot", "1"), "Did you mean '--port'?"),
        (("serve", "--port", "x"), "'x' is not a valid port number"),
        (("user", "add"), "Missing argument 'NAME'"),
    ],
)
def test_wrong_use_is_told_what_would_be_right(shell: Shell, words, said):
    assert said in shell(*words, status=2)


def test_help_does_not_load_the_gateway(shell: Shell):
    code = "import sys; from tsgateway.cli.main import main; main(['--help'], standalone_mode=False); "
    code += "print([m for m in ('twisted', 'sqlalchemy', 'pydantic', 'numpy') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=shell.environment, check=True
    )
    assert done.stdout.rstrip().endswith("[]")
    for command in ("serve", "init", "user", "image", "admin", "plugins", "doctor"):
        assert command in done.stdout


def test_doctor_says_what_to_do(shell: Shell):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        shell.configure(
            f"server.port = {port}\n"
            '[desktops.a]\ntitle = "A"\nkind = "nothing"\n'
            '[desktops.b]\ntitle = "B"\nkind = "rfb"\nusers = ["ada"]\n'
            '[desktops.c]\ntitle = "C"\nkind = "qemu-shared"\ntemplate = "t"\nusers = ["ada"]\n'
            '[desktops.d]\ntitle = "D"\nkind = "qemu"\ntemplate = "t"\nassignment = "personal"\n'
        )
        said = shell("doctor", status=1)
    lines = [line.split(maxsplit=2) for line in said.splitlines()]
    assert ["ok", "data"] in [line[:2] for line in lines]
    assert f"port {port}: Address already in use" in said
    assert 'no guest plug-in is named "nothing"' in said
    assert "a names no user and no group" in said
    assert "fail  desktop      b: " in said
    assert "fail  desktop      c: " not in said
    assert "fail  desktop      d: " not in said
    assert "`tsgateway init` makes it" in said
    assert f"To be mended: {said.count('fail  ')}." in said


def test_doctor_tells_of_session_hosts(shell: Shell):
    shell.configure("hosts.count = 2\n")
    guests = [shell.folder / "data" / "hosts" / str(number) / "guests" for number in (0, 1, 4)]
    for folder, sessions in zip(guests, (1, 0, 2), strict=True):
        folder.mkdir(parents=True)
        for number in range(sessions):
            (folder / f"{number:032x}").mkdir()
    with (guests[0] / "lock").open("w") as lock, (shell.folder / "data" / "lock").open("w") as data:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = shell("doctor", status=1)
        assert "ok    hosts        up to 2 share the sessions; running: 1, sessions: 3" in said
        assert "warn  hosts        host 4 is no longer configured; its sessions (2) go on" in said
        assert "does not run" not in said
        fcntl.flock(data, fcntl.LOCK_EX)  # a gateway runs
        assert "fail  hosts        host 4 has sessions (2) and does not run" in shell("doctor", status=1)


def test_doctor_says_how_to_be_let_use_kvm(tmp_path, monkeypatch):
    device = tmp_path / "kvm"
    device.touch()
    monkeypatch.setattr(doctor, "KVM", device)
    monkeypatch.setattr(os, "access", lambda path, mode: path != device)  # root may use everything
    (finding,) = doctor._accelerator(Config())
    assert finding.level == "warn"
    assert "sudo usermod -aG kvm" in finding.text


def test_serve_runs_until_interrupted(shell: Shell, few_files: tuple[int, int]):
    shell("init")
    process = shell.start(*shell.command("serve", "--port", "0"))
    try:
        address = read_until(process, r"Open (https://localhost:\d+/)")[1]
        assert address
        assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE) == few_files
        assert "another gateway" in shell("serve", "--port", "0", status=1)
        assert "has to be stopped" not in shell("end-sessions", status=1)
        read_until(process, "host 0 is up")
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
        assert "Traceback" not in rest
    finally:
        process.kill()
        process.wait()
    assert shell("end-sessions") == "Sessions ended: 0.\n"


def test_twistd_starts_the_same(shell: Shell):
    shell.configure("server.port = 0\n")
    twistd = Path(sys.executable).with_name("twistd")
    process = shell.start(str(twistd), "--pidfile=", "-ny", str(ROOT / "twistd.tac"))
    try:
        read_until(process, r"listening: https://localhost:\d+/")
        read_until(process, "host 0 is up")
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=PATIENCE)
        assert "Traceback" not in rest
    finally:
        process.kill()
        process.wait()


def test_a_killed_gateway_leaves_its_host_to_the_next(shell: Shell):
    pids = []
    for number in (signal.SIGKILL, signal.SIGINT):
        process = shell.start(*shell.command("serve", "--port", "0"))
        try:
            pids.append(read_until(process, r"host 0 is up \(process (\d+)\)")[1])
            process.send_signal(number)
            process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
            process.wait()
    assert pids[0] == pids[1]
    deadline = time.monotonic() + PATIENCE
    while Path(f"/proc/{pids[0]}/cmdline").exists() and time.monotonic() < deadline:
        if not Path(f"/proc/{pids[0]}/cmdline").read_bytes():
            break  # ended, and nobody has collected it
        time.sleep(0.05)
    else:
        assert time.monotonic() < deadline, "the host did not quit with the last gateway"


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("[server\n", 2, "not valid TOML"),
        ("server.prot = 1\n", 2, 'did you mean "port"?'),
        ('server.certificate = "missing"\nserver.key = "k"\n', 1, "missing cannot be read: No such file"),
        ('server.listen = "203.0.113.7"\n', 1, "cannot listen on 203.0.113.7 port 8443"),
        ('server.listen = "no such name"\n', 1, "Name or service not known"),
    ],
)
def test_serve_fails_with_a_sentence(shell: Shell, text, status, said):
    shell.configure(text)
    output = shell("serve", status=status)
    assert output.count(said) == 1
    assert len(output.splitlines()) == 1


def test_a_port_that_is_taken(shell: Shell):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = shell("serve", "--port", str(port), status=1)
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in said
    assert "--port" in said


def test_a_data_directory_that_cannot_be_written(shell: Shell):
    (shell.folder / "data").write_text("a file")
    for command in (("serve",), ("init",), ("user", "list")):
        assert "cannot be written" in shell(*command, status=1)


def test_a_missing_configuration(shell: Shell):
    assert "No such file" in shell("serve", "--config", "/nonexistent/c.toml", status=2)
