"""People of a shared machine: their accounts and the seats at which their desktops run (see `seats`)."""

import contextlib
import hashlib
import json
import os
import pwd
import re
import select
import signal
import subprocess
import threading
import time
from pathlib import Path

STATE = Path("/run/tsgateway-seats")
CGROUP = Path("/sys/fs/cgroup")
GROUP = "tsgateway-seats"
LOG_ON_SECONDS = 120
KILL_SECONDS = 20


class Refused(Exception):
    """A request cannot be met; the text is a sentence."""


def account_name(user, taken):
    """The name of the account a person of that name has here. taken: whether a name is somebody else's.

    Two people never have the same: without "-" a name may pass as it is, all others end with "-" and a hash.
    """
    if re.fullmatch(r"[a-z][a-z0-9_]{0,30}", user) and not taken(user):
        return user
    readable = re.sub(r"[^a-z0-9_]", "", user.lower())[:15]
    if not readable[:1].isalpha():
        readable = f"u{readable}"[:15]
    return f"{readable}-{hashlib.sha256(user.encode()).hexdigest()[:16]}"


def is_foreign(name):
    """Whether an account was there before people came."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return False
    return found.pw_name not in members()


def members():
    """The accounts that were made here."""
    for line in Path("/etc/group").read_text().splitlines():
        name, _, _, listed = line.split(":")
        if name == GROUP:
            return listed.split(",")
    return []


def make_account(user):
    """The account of a person, made when there is none yet."""
    name = account_name(user, is_foreign)
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(name)
    run("groupadd", "--force", "--system", GROUP)
    home = ["--create-home", "--key", "HOME_MODE=0700"]
    run("useradd", *home, "--shell", "/bin/bash", "--groups", GROUP, name)
    return pwd.getpwnam(name)


def run(*command):
    """Run a program to its end; what it prints."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LOG_ON_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(f"{command[0]} cannot be run in the guest: {error}.") from error
    if done.returncode:
        raise Refused(f"{command[0]} failed in the guest: {done.stderr.strip()[-500:]}.")
    return done.stdout.strip()


class Seat:
    """A seat that somebody has."""

    def __init__(self, number, session, account):
        self.number = number
        self.session = session
        self.account = account
        self.pid = 0
        self.stands = threading.Event()
        self.over = threading.Event()

    @property
    def unit(self):
        """The service that the desktop runs as."""
        return f"tsgateway-seat-{self.number}"

    @property
    def folder(self):
        """Where the person's X server has its socket; the person may change everything in there."""
        return Path(f"/run/user/{self.account.pw_uid}/tsgateway-seat")

    @property
    def file(self):
        """Where the seat is kept for a later run."""
        return STATE / str(self.number)

    def write(self):
        """Keep what a later run of this program needs."""
        table = {"session": self.session, "account": self.account.pw_name, "pid": self.pid}
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(table))
        new.rename(self.file)

    @classmethod
    def read(cls, file):
        """A seat that an earlier run has left."""
        table = json.loads(file.read_text())
        seat = cls(int(file.name), table["session"], pwd.getpwnam(table["account"]))
        seat.pid = table["pid"]
        return seat

    def start(self, width, height):
        """Sign the person in, and return when the desktop stands."""
        environment = ["XDG_SESSION_TYPE=x11", "XDG_SESSION_CLASS=user", "LANG=C.UTF-8"]
        properties = [
            f"User={self.account.pw_name}", "PAMName=tsgateway", "WorkingDirectory=~",
            "ProtectProc=invisible", "StandardOutput=journal", "StandardError=journal",
            "UnsetEnvironment=INVOCATION_ID JOURNAL_STREAM",
        ]  # fmt: skip
        options = [f"--property={each}" for each in properties] + [f"--setenv={each}" for each in environment]
        screen = [str(self.number), str(width), str(height)]
        command = ["systemd-run", "--quiet", "--collect", f"--unit={self.unit}", *options]
        run(*command, "/usr/lib/tsgateway/seat", *screen)
        deadline = time.monotonic() + LOG_ON_SECONDS
        while not (self.folder / "ready").exists():
            if not self.pid:
                self.pid = int(run("systemctl", "show", "--property=MainPID", "--value", self.unit) or 0)
                self.write()
            if not self.pid or not Path(f"/proc/{self.pid}").exists():
                raise Refused("The desktop has ended while it started; the guest's journal says more.")
            if time.monotonic() > deadline:
                raise Refused(f"The desktop did not start within {LOG_ON_SECONDS} seconds.")
            time.sleep(0.05)

    def wait(self, seconds=None):
        """Whether the desktop has ended, within so many seconds."""
        try:
            process = os.pidfd_open(self.pid)
        except (OSError, ValueError):  # it is gone, or has not begun
            return True
        with contextlib.closing(os.fdopen(process, closefd=True)) as file:
            waiting = select.poll()
            waiting.register(file, select.POLLIN)
            return bool(waiting.poll(None if seconds is None else seconds * 1000))

    def ask_to_end(self):
        """Have the windows closed, and then the desktop."""
        if self.pid:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGTERM)

    def kill(self):
        """End all that runs under the account, and its traces in the memory."""
        quietly("systemctl", "kill", "--signal=KILL", self.unit)
        quietly("loginctl", "terminate-user", self.account.pw_name)
        deadline = time.monotonic() + KILL_SECONDS
        while time.monotonic() < deadline and (self.kill_processes() or self.folder.parent.exists()):
            time.sleep(0.05)
        quietly("systemctl", "reset-failed", self.unit)
        self.file.unlink(missing_ok=True)

    def kill_processes(self):
        """Kill what there is now; whether there was something."""
        found = False
        for group in CGROUP.glob(f"user.slice/user-{self.account.pw_uid}.slice/*/"):
            if group.name.startswith("user-runtime-dir@"):
                continue  # tidies up
            with contextlib.suppress(OSError):  # it is gone
                if "populated 1" in (group / "cgroup.events").read_text():
                    found = True
                    (group / "cgroup.kill").write_text("1")
        for process in Path("/proc").glob("[0-9]*"):  # what a service like cron has started is not in there
            with contextlib.suppress(OSError):
                if process.stat().st_uid == self.account.pw_uid:
                    os.kill(int(process.name), signal.SIGKILL)
        return found


def quietly(*command):
    """Run a program whose outcome does not matter."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(command, capture_output=True, timeout=KILL_SECONDS, check=False)
