"""Real guests in real session hosts: ones that stand ready, and disks that are kept for their users."""

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from sessions.guests.qemu.personal import kept_disks
from sessions.wire import link
from sessions.wire.tsg import SessionState
from tests.images_fixture import tiny_image
from tests.sessions.guests.qemu.test_guest import make_disk
from tests.sessions.host.process import Host

pytestmark = [pytest.mark.qemu, pytest.mark.slow]

SECONDS = 180
POOLED = {"kind": "qemu", "template": "tiny"}
PERSONAL = {**POOLED, "assignment": "personal"}


@pytest.fixture
def host(tmp_path):
    """A session host whose image "tiny" has a disk; all that ran is ended."""
    shutil.copytree(tiny_image().folder, tmp_path / "images" / "tiny")
    make_disk(tmp_path / "images" / "tiny")
    describe(tmp_path, disk="disk.qcow2", version="1")
    settings = {"accelerator": "tcg", "disks_folder": str(tmp_path / "disks")}
    host = Host(tmp_path, guests={"qemu": settings})
    yield host
    if host.process.poll() is not None:
        host.run()
    gateway = connected(host)
    gateway.ask("pools", pools=[])
    for info in gateway.ask("list")["result"]["sessions"]:
        gateway.ask("end", session=info["session"])
    until(lambda: host.folders == [])
    host.close()
    assert processes(tmp_path) == []


def describe(folder, **fields):
    path = folder / "images" / "tiny" / "image.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def connected(host):
    gateway = host.gateway()
    gateway.socket.settimeout(SECONDS)
    gateway.ask("hello", version=link.VERSION)
    return gateway


def until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ready(gateway):
    return [pool["ready"] for pool in gateway.ask("spares")["result"]["pools"]]


def wish(gateway, number=1):
    gateway.ask("pools", pools=[{"desktop": "d", "spec": POOLED, "spares": number}])


def is_up(session):
    """Tells of an event whether a session has its guest."""

    def tells(event):
        info = event["params"]
        return info.get("session") == session and info["state"] != SessionState.STARTING

    return tells


def guest_of(host, folder):
    return json.loads((host.folder / "state" / folder / "guest" / "guest.json").read_text())


def processes(folder):
    """The QEMU processes that have something of this folder open."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            links = [str(each.readlink()) for each in (path / "fd").iterdir()]
        except OSError:
            continue
        if (path / "comm").read_text().startswith("qemu-system") and any(str(folder) in to for to in links):
            found.append(int(path.name))
    return found


def test_one_that_stands_ready_outlives_the_host_and_goes_to_a_session_at_once(host, tmp_path):
    gateway = connected(host)
    wish(gateway)
    until(lambda: ready(gateway) == [1])
    [spare] = host.folders
    process = guest_of(host, spare)["process"]
    host.kill()
    host.run()
    gateway = connected(host)
    wish(gateway)
    until(lambda: ready(gateway) == [1])
    assert host.folders == [spare]
    gateway.start(spec=POOLED)
    gateway.until_event(is_up("a" * 32))
    told = [e["params"]["text"] for e in gateway.events if e["params"].get("session") == "a" * 32]
    assert "The guest is booting" not in told
    assert guest_of(host, spare)["process"] == process
    gateway.attach()
    gateway.until(lambda message: message.kind is link.Kind.VIEWER and message.body[:1] == b"\x20")
    host.kill()
    host.run()
    gateway = connected(host)
    [info] = gateway.ask("list")["result"]["sessions"]
    assert (info["session"], info["user"]) == ("a" * 32, "ada")
    assert guest_of(host, spare)["process"] == process


def test_a_new_version_of_the_image_replaces_what_stands_ready(host, tmp_path):
    gateway = connected(host)
    wish(gateway)
    until(lambda: ready(gateway) == [1])
    [old] = host.folders
    describe(tmp_path, version="2")
    until(lambda: old not in host.folders and ready(gateway) == [1])
    [new] = host.folders
    assert guest_of(host, new)["image_version"] == "2"


def test_one_whose_qemu_is_killed_is_replaced_and_leaves_nothing(host, tmp_path):
    gateway = connected(host)
    wish(gateway)
    until(lambda: ready(gateway) == [1])
    [old] = host.folders
    subprocess.run(["kill", "-9", str(guest_of(host, old)["process"]["pid"])], check=True)
    until(lambda: old not in host.folders and ready(gateway) == [1])
    assert len(host.folders) == 1


def test_a_personal_disk_is_kept_from_session_to_session(host, tmp_path):
    gateway = connected(host)

    def session(name, user="ada"):
        who = {"session": name, "desktop": "office", "user": user}
        gateway.ask("start", **who, title="Office", spec=PERSONAL, width=800, height=600)
        gateway.until_event(is_up(name))

    session("a" * 32)
    [kept] = kept_disks(tmp_path / "disks")
    assert (kept.desktop, kept.user, kept.version, kept.in_use) == ("office", "ada", "1", True)
    describe(tmp_path, version="2")
    gateway.ask("end", session="a" * 32)
    session("b" * 32)  # waits until the first has let go
    [again] = kept_disks(tmp_path / "disks")
    assert (again.made, again.version, again.in_use) == (kept.made, "1", True)
    gateway.ask("end", session="b" * 32)
    until(lambda: host.folders == [])
    assert [each.in_use for each in kept_disks(tmp_path / "disks")] == [False]
