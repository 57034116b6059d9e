"""A PostgreSQL server of a test's own: Debian's programs, no root, a socket in a folder of its own."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

PATIENCE = 180
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "max_connections": "20",
    "shared_buffers": "16MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def programs() -> Path:
    """Where the newest PostgreSQL's programs are; Debian does not put them on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise FileNotFoundError("PostgreSQL is not installed: apt-get install postgresql")
    return found[-1].parent


class Server:
    """One server. It refuses to run as root, so root starts it as the user that its package made."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tsg-pg-"))
        self.user = pwd.getpwnam("postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name)
        os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self._numbers = itertools.count(1)
        self.process: subprocess.Popen[bytes] | None = None
        data = str(self.folder / "data")
        self._run(
            "initdb", "-D", data, "-A", "trust", "-U", "tsgateway", "-N", "--locale=C.UTF-8", "-E", "UTF8"
        )

    def _as_user(self) -> dict:
        if os.geteuid() != 0:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(programs() / program), *arguments]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            cwd=self.folder,
            **self._as_user(),
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> Server:
        settings = {**SETTINGS, "unix_socket_directories": str(self.folder)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(programs() / "postgres"), "-D", str(self.folder / "data"), *options],
                stdout=log, stderr=log, cwd=self.folder, **self._as_user(),
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return self

    def _answers(self) -> bool:
        command = [str(programs() / "pg_isready"), "-q", "-h", str(self.folder)]
        return subprocess.run(command, timeout=PATIENCE, check=False).returncode == 0

    def stop(self, how: int = signal.SIGINT) -> None:
        """SIGINT is PostgreSQL's fast shutdown: open connections are ended."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(how)
            self.process.wait(PATIENCE)
            self.process = None

    def remove(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
        self.stop()
        shutil.rmtree(self.folder)

    def database(self) -> str:
        """Make an empty database; return its URL."""
        name = f"db{next(self._numbers)}"
        self._run("createdb", "-h", str(self.folder), "-U", "tsgateway", name)
        return f"postgresql://tsgateway@/{name}?host={self.folder}"
