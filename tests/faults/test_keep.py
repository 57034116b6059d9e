"""The parent that keeps a gateway, what a service manager is told, and systemd's unit file."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.gateway import ROOT
from tests.e2e.machine import wait_for
from tests.faults.kept import Kept, kept
from tsgateway.cli import keep
from tsgateway.cli.keep import Keeper
from tsgateway.notify import Notifier

CARD = '[desktops.card]\ntitle = "Card"\nkind = "testcard"\ngroups = ["users"]'
UNIT = ROOT / "systemd" / "tsgateway.service"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep, "BACK_OFF", (0.0,))
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # the test's own handlers stay


def counting(folder: Path, *ends: str) -> list[str]:
    """A program that ends in another way each time: `kill -9 $$`, `exit 1`, …"""
    cases = "".join(f"{number}) {end};;" for number, end in enumerate(ends))
    text = (
        f'n=$(cat "{folder}/n" 2>/dev/null || echo 0); echo $((n + 1)) >"{folder}/n"; case $n in {cases} esac'
    )
    return ["sh", "-c", text]


@pytest.mark.parametrize(
    ("ends", "runs", "status"),
    [
        (("exit 0",), 1, 0),
        (("exit 1",), 1, 1),  # it has never run: a wrong configuration, say
        (("kill -9 $$", "kill -6 $$", "exit 0"), 3, 0),
        (("kill -9 $$", "exit 1", "exit 1", "exit 0"), 4, 0),  # the disk may be full for a while
    ],
)
def test_what_is_started_again(
    tmp_path: Path, quick: None, ends: tuple[str, ...], runs: int, status: int
) -> None:
    assert Keeper(counting(tmp_path, *ends)).run() == status
    assert int((tmp_path / "n").read_text()) == runs


PARENT = """
import sys
from tsgateway.cli.keep import Keeper
child = "import signal, sys, time; signal.signal({0}, lambda *_: sys.exit(7));"
child += "print('up', flush=True); time.sleep(600)"
sys.exit(Keeper([sys.executable, "-c", child]).run())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_who_ends_the_parent_ends_the_child(number: signal.Signals) -> None:
    program = [sys.executable, "-c", PARENT.replace("{0}", str(int(number)))]
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        parent.send_signal(number)
        assert parent.wait(120) == 7
        assert parent.stdout.read() == "", "it was started again"


@pytest.mark.slow
def test_a_killed_parent_leaves_the_gateway_at_work_and_an_ended_one_does_not() -> None:
    with kept(CARD) as gateway:
        pid, parent = gateway.gateway_pid, gateway._process
        parent.kill()
        parent.wait()
        time.sleep(0.5)
        assert gateway.gateway_pid == pid
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not Path(f"/proc/{pid}").exists(), "its end")
        gateway.start()
        pid = gateway.gateway_pid
        gateway._process.terminate()
        assert gateway._process.wait(120) == 0
        assert not Path(f"/proc/{pid}").exists()
        gateway.start()


# ---- the service manager


class Served(Kept):
    """Started as systemd does it: told where to tell."""

    served = ("serve",)

    def start(self) -> None:
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.settimeout(120)
        address = f"\0tsgateway-test-{os.getpid()}-{time.monotonic_ns()}"
        self.manager.bind(address)
        self.environment = {"NOTIFY_SOCKET": address.replace("\0", "@"), "WATCHDOG_USEC": "400000"}
        super().start()

    def stop(self) -> None:
        super().stop()
        self.manager.close()


def silent(manager: socket.socket) -> bool:
    """Wait, for as long as it takes to read what came before."""
    for _ in range(50):
        try:
            manager.recv(4096)
        except TimeoutError:
            return True
    return False


@pytest.mark.slow
def test_a_service_manager_hears_how_the_gateway_stands() -> None:
    with kept(CARD, kind=Served) as gateway:
        assert isinstance(gateway, Served)
        ready = gateway.manager.recv(4096).decode().splitlines()
        assert ready == ["READY=1", f"STATUS=Serving https://localhost:{gateway.port}/"]
        assert [gateway.manager.recv(4096) for _ in range(3)] == [b"WATCHDOG=1"] * 3
        os.kill(gateway.gateway_pid, signal.SIGSTOP)  # it hangs: there is silence, and systemd would kill it
        gateway.manager.settimeout(1)
        assert silent(gateway.manager)
        os.kill(gateway.gateway_pid, signal.SIGCONT)
        for number in gateway.host_pids().values():
            assert b"NOTIFY_SOCKET" not in Path(f"/proc/{number}/environ").read_bytes()
        os.kill(gateway.gateway_pid, signal.SIGTERM)
        gateway.manager.settimeout(120)
        while gateway.manager.recv(4096) != b"STOPPING=1":
            pass


def test_where_there_is_no_manager_nothing_is_told(tmp_path: Path) -> None:
    nobody = Notifier({}, 1)
    nobody.tell("READY=1")
    assert nobody.interval is None
    gone = Notifier(
        {"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "2"}, 1
    )
    gone.tell("READY=1")
    assert gone.interval is None, "signs of life are wanted of another process"
    assert Notifier({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "2000000"}, 1).interval == 1.0


# ---- the unit file


def setting(name: str) -> str:
    (found,) = re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)
    return str(found)


def test_the_unit_is_what_systemd_understands(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / UNIT.name
    program = Path(sys.executable).parent / "tsgateway"
    unit.write_text(UNIT.read_text().replace("/opt/tsgateway/.venv/bin/tsgateway", str(program)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    newer = "Unknown key 'DelegateSubgroup'"  # systemd 254
    said = [line for line in (done.stdout + done.stderr).splitlines() if newer not in line]
    assert (done.returncode, said) == (0, [])


def test_the_unit_lets_guests_live() -> None:
    assert setting("KillMode") == "process"
    assert setting("OOMPolicy") == "continue"
    assert setting("Restart") == "always"
    assert setting("StartLimitIntervalSec") == "0"
    assert "PrivateTmp" not in UNIT.read_text()
    assert "MemoryDenyWriteExecute" not in UNIT.read_text()  # QEMU translates guests' code


@pytest.mark.qemu
@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")
def test_a_guest_runs_with_the_rights_that_the_unit_leaves() -> None:
    from tests.faults.follower import Account, Follower
    from tests.images_fixture import tiny_image

    rights = ",".join(
        "+" + each.removeprefix("CAP_").lower() for each in setting("CapabilityBoundingSet").split()
    )

    class Bounded(Kept):
        served = ("serve",)

        def _command(self, *arguments: str) -> list[str]:
            few = ["setpriv", f"--bounding-set=-all,{rights}", "--no-new-privs", "--"]
            return [*(few if arguments == self.served else ()), *super()._command(*arguments)]

    text = '[desktops.tiny]\ntitle = "T"\nkind = "qemu"\ntemplate = "tiny"\ngroups = ["users"]\n'
    text += '[guests.qemu]\naccelerator = "tcg"'
    with kept(text, kind=Bounded, images=tiny_image().folder.parent) as gateway:
        ada = Account(gateway.port)
        follower = Follower(ada, ada.open("tiny"))
        follower.next("picture", seconds=120)
        follower.stop()
        (folder,) = gateway.sessions()
        ada.end(follower.session)
        wait_for(lambda: not folder.exists(), "its end")
