"""People at work while everything dies: `make soak MINUTES=10`.

A kept gateway with two session hosts, test cards, tiny QEMU guests and a real VNC server. People connect,
type, resize, leave and are cut off; gateway, hosts and guests are killed and stalled. What is done, and to
whom, follows from the seed alone, which is printed: the same seed does the same things in the same order,
though not at the very same moments.

All the while each person who watches has to be back within a minute, in the same session unless that has
ended, and in the end everybody's picture is exact. Afterwards nothing may be left: no process, no guest, no
file, no descriptor.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sessions.guests.qemu.state import State
from sessions.guests.testcard import frame
from sessions.pixels.geometry import Size
from sessions.wire import tsg
from tests.e2e.machine import Machine, wait_for
from tests.faults.follower import Account, Follower, Lost, Over
from tests.faults.kept import Kept, kept
from tests.images_fixture import tiny_image
from tests.sessions.displays.xvnc import Xvnc

WITHIN = 60.0
"""Seconds that anybody may take to come back: far above what is promised, and measured by bench.recovery."""
SIZES = ((800, 600), (640, 480), (1024, 768))
KINDS = ("card", "film", "tiny", "vnc", "card", "tiny")
CYCLES = 10
"""Visits that must leave no descriptor behind."""


def desktops(vnc: str) -> str:
    kinds = {
        "card": 'kind = "testcard"\nfps = 0',
        "film": 'kind = "testcard"\nfps = 10',
        "tiny": 'kind = "qemu"\ntemplate = "tiny"',
        "vnc": f'kind = "rfb"\nsocket = "{vnc}"',
    }
    tables = [f'[desktops.{name}]\ntitle = "{name}"\ngroups = ["users"]\n{kinds[name]}' for name in kinds]
    return "\n\n".join([*tables, '[guests.qemu]\naccelerator = "tcg"'])


class Person:
    """Somebody who uses one desktop. follower: their viewer, while they watch."""

    def __init__(self, gateway: Kept, user: str, desktop: str) -> None:
        self.gateway, self.user, self.desktop = gateway, user, desktop
        self.account = Account(gateway.port, user)
        self.follower: Follower | None = None
        self.session: str | None = None
        self.size = SIZES[0]

    def comes(self) -> None:
        """Open the desktop, a new session or the old one."""
        if self.follower is not None:
            return
        known = self.session if self.session in self.sessions() else None
        self.session = self.tries(lambda: self.account.open(self.desktop, *self.size), "connect")
        # One that has just been killed may be found for a moment still, or be gone already.
        assert known in (None, self.session) or not self.lives(known), f"{self.user} has two sessions"
        self.follower = Follower(self.account, self.session, self.size)

    def tries(self, act: Callable[[], Any], what: str) -> Any:
        """Do something that may have to wait until the product is there again."""
        until = time.monotonic() + WITHIN
        failed = "it was not tried"
        while time.monotonic() < until:
            try:
                return act()
            except (Lost, OSError, http.client.HTTPException, ValueError) as error:
                failed = repr(error)
            time.sleep(0.3)
        raise AssertionError(f"{self.user} cannot {what}: {failed}")

    def ends(self, session: str) -> None:
        """End a session, which may have ended by itself."""
        try:
            self.account.end(session)
        except Over as over:
            gone = (tsg.CloseCode.SESSION_ENDED, tsg.CloseCode.TICKET)  # 410, 404
            if over.code not in gone or "address" in str(over):
                raise

    def sessions(self) -> list[str]:
        return [folder.name for folder in self.gateway.sessions(self.user)]

    def lives(self, session: str) -> bool:
        """Whether this session's guest runs, as far as can be seen from outside."""
        folder = next((each for each in self.gateway.sessions(self.user) if each.name == session), None)
        if folder is None:
            return False
        with contextlib.suppress(Exception):
            return State.read(folder / "guest").process.alive
        return self.desktop != "tiny"

    def leaves(self) -> None:
        if self.follower is not None:
            self.follower.stop()
            self.follower = None

    def is_back(self, since: float) -> bool:
        """Whether who watches has a line now, or has been told that the session is over."""
        if self.follower is None:
            return True
        last = self.follower.events[-1] if self.follower.events else None
        if last is not None and last.what == "over":
            assert last.code == tsg.CloseCode.SESSION_ENDED, f"{self.user} was sent away: {last}"
            self.follower.stop()
            self.follower = self.session = None
            return True
        return last is not None and last.what in ("connected", "picture")

    def types(self, code: int) -> None:
        if self.follower is not None:
            self.follower.send(tsg.Key(1, code, 0))
            self.follower.send(tsg.Key(0, code, 0))

    def resizes(self, size: tuple[int, int]) -> None:
        self.size = size
        if self.follower is not None:
            self.follower.size = size  # also for when it comes back
            self.follower.send(tsg.RequestSize(*size))


class Soak:
    """One run. seed: what happens; say: takes a line of the record."""

    def __init__(self, gateway: Kept, vnc: Xvnc, seed: int, say: Callable[[str], None]) -> None:
        self.gateway, self.vnc = gateway, vnc
        self.chance = random.Random(seed)
        self.say = say
        self.began = time.monotonic()
        self.done: dict[str, int] = {}
        self.people = [Person(gateway, f"user{number}", kind) for number, kind in enumerate(KINDS)]
        self.guests: set[int] = set()
        self.actions: dict[str, tuple[int, Callable[[Person], None]]] = {
            "comes": (8, Person.comes),
            "leaves": (3, Person.leaves),
            "is cut off": (4, lambda person: person.follower and person.follower.cut()),
            "types": (8, lambda person: person.types(30 + self.chance.randrange(8))),
            "resizes": (3, lambda person: person.resizes(self.chance.choice(SIZES))),
            "logs off": (2, self.logs_off),
            "gateway killed": (2, lambda _: self.kill(gateway.gateway_pid)),
            "host killed": (3, lambda _: self.kill_host()),
            "both killed": (1, lambda _: (self.kill_host(), self.kill(gateway.gateway_pid))),
            "guest killed": (1, self.kill_guest),
            "gateway stalled": (1, lambda _: self.stall(gateway.gateway_pid)),
            "host stalled": (1, lambda _: self.stall(self.one_host())),
        }

    # ---- what happens

    def run(self, seconds: float) -> None:
        """Let things happen for so long, then look whether all is well."""
        for person in self.people:
            person.comes()
        self.all_back()
        names = list(self.actions)
        weights = [self.actions[name][0] for name in names]
        while time.monotonic() - self.began < seconds:
            for _ in range(self.chance.randint(1, 4)):
                (name,) = self.chance.choices(names, weights)
                self.act(name, self.chance.choice(self.people))
                time.sleep(self.chance.uniform(0.05, 1.0))
            self.all_back()
        for person in self.people:
            person.comes()
        self.all_back()
        self.exact()

    def act(self, name: str, person: Person) -> None:
        self.say(f"{time.monotonic() - self.began:6.1f} s  {person.user} ({person.desktop}) {name}")
        self.done[name] = self.done.get(name, 0) + 1
        self.note_guests()
        self.actions[name][1](person)

    def logs_off(self, person: Person) -> None:
        session, person.session = person.session, None
        person.leaves()
        if session is not None:
            person.tries(lambda: person.ends(session), "log off")

    def kill(self, pid: int | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            if pid is not None:
                os.kill(pid, signal.SIGKILL)

    def one_host(self) -> int | None:
        pids = self.gateway.host_pids()
        number = self.chance.randrange(2)
        return pids.get(number)

    def kill_host(self) -> None:
        self.kill(self.one_host())

    def kill_guest(self, person: Person) -> None:
        for folder in self.gateway.sessions(person.user):
            with contextlib.suppress(Exception):
                self.kill(State.read(folder / "guest").process.pid)

    def stall(self, pid: int | None) -> None:
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(self.chance.uniform(0.5, 4))
            os.kill(pid, signal.SIGCONT)

    def note_guests(self) -> None:
        for file in (self.gateway.folder / "data/hosts").glob("*/guests/*/guest"):
            with contextlib.suppress(Exception):
                self.guests.add(State.read(file).process.pid)

    # ---- what has to be so

    def all_back(self) -> None:
        """Whoever watches is back."""
        since = time.monotonic()
        for person in self.people:
            while not person.is_back(since):
                waited = time.monotonic() - since
                assert person.follower is not None
                assert waited < WITHIN, f"{person.user} is not back: {person.follower.events[-5:]}"
                time.sleep(0.05)
        for person in self.people:
            assert len(person.sessions()) <= 2, f"{person.user} has sessions {person.sessions()}"

    def exact(self) -> None:
        """Everybody sees the very pixels."""
        for person in self.people:
            follower = person.follower
            assert follower is not None
            assert follower.session
            self.say(f"{time.monotonic() - self.began:6.1f} s  {person.user} ({person.desktop}) looks")
            if person.desktop == "card":
                follower.sees(lambda person=person: frame(0, Size(*person.size)) & 0xFFFFFF, WITHIN)
            elif person.desktop == "vnc":
                follower.sees(self.vnc.screen, WITHIN)
            elif person.desktop == "tiny":
                folder = next(
                    each for each in self.gateway.sessions(person.user) if each.name == person.session
                )
                with Machine(folder) as machine:
                    follower.sees(machine.screen, WITHIN)

    def nothing_is_left(self) -> None:
        """Everybody logs off, and all is as it was."""
        self.note_guests()
        for person in self.people:
            self.logs_off(person)
        hosts = self.gateway.folder / "data/hosts"
        wait_for(
            lambda: not list(hosts.glob("*/guests/*/session.json")),
            "the sessions' folders",
            lambda: list(hosts.rglob("*")),
        )
        alive = [pid for pid in self.guests if _is_qemu(pid)]
        assert not alive, f"guests {alive} run on"
        allowed = {"lock", "link.sock", "settings.json", "host.log", "host.log.1", "guests"}
        allowed |= {"houses"}  # what guests of one kind share, for as long as the session host runs
        wait_for(lambda: self.names() <= allowed, "the end of all files", lambda: self.names() - allowed)
        self.no_descriptor_is_left()

    def names(self) -> set[str]:
        """Names of everything in the session hosts' folders."""
        return {path.name for pattern in ("*/*", "*/guests/*") for path in
                (self.gateway.folder / "data/hosts").glob(pattern)}  # fmt: skip

    def no_descriptor_is_left(self) -> None:
        """Visits that end well and badly cost no descriptor in the end."""
        person = self.people[0]
        self.visits(person, 3)
        before = self.descriptors()
        self.visits(person, CYCLES)
        wait_for(lambda: self.no_more_than(before), "descriptors", lambda: (before, self.descriptors()))

    def visits(self, person: Person, count: int) -> None:
        for number in range(count):
            person.comes()
            assert person.follower is not None
            person.follower.next("picture")
            if number % 2:
                at = time.monotonic()
                person.follower.cut()
                person.follower.next("picture", at)
            self.logs_off(person)
            wait_for(lambda: not person.sessions(), "the end of a session")

    def descriptors(self) -> dict[int, int]:
        pids = [self.gateway.gateway_pid, *self.gateway.host_pids().values()]
        return {pid: len(os.listdir(f"/proc/{pid}/fd")) for pid in pids}

    def no_more_than(self, before: dict[int, int]) -> bool:
        now = self.descriptors()
        return now.keys() == before.keys() and all(now[pid] <= before[pid] for pid in now)


def _is_qemu(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"qemu" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def soak(seconds: float, seed: int, say: Callable[[str], None]) -> None:
    """Run it. Raises AssertionError; the seed and the end of the logs are said then."""
    say(f"seed {seed}")
    users = [f"user{number}" for number in range(len(KINDS))]
    with tempfile.TemporaryDirectory(prefix="tsg-soak-") as folder:
        vnc = Xvnc(Path(folder), (800, 600))
        try:
            vnc.run("xsetroot", "-mod", "5", "9", "-fg", "navy", "-bg", "gold").wait()
            text = desktops(vnc.socket)
            with kept(text, users=users, images=tiny_image().folder.parent, hosts=2) as gateway:
                run = Soak(gateway, vnc, seed, say)
                try:
                    run.run(seconds)
                    run.nothing_is_left()
                except BaseException:
                    say(f"with seed {seed}; the ends of the logs:")
                    for log in (gateway.log, *(gateway.folder / "data/hosts").glob("*/host.log")):
                        say(f"--- {log}\n{log.read_text()[-4000:]}")
                    for person in run.people:
                        person.leaves()
                    raise
                say(", ".join(f"{name} {count}×" for name, count in sorted(run.done.items())))
        finally:
            vnc.stop()


@click.command()
@click.option("--minutes", default=10.0, show_default=True, help="How long things happen.")
@click.option("--seed", type=int, help="What happens. Default: another one each time.")
def main(minutes: float, seed: int | None) -> None:
    """Let people work while everything dies, and see that nothing is lost and nothing left."""
    soak(minutes * 60, random.randrange(1 << 32) if seed is None else seed, click.echo)
    click.echo("nothing was lost, and nothing is left")


if __name__ == "__main__":
    sys.exit(main())
