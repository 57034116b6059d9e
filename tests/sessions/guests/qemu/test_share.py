"""The folder a real desktop shares with its person: one guest for all tests, which they use in this order."""

import hashlib
import os

import pytest
import pytest_twisted

from sessions.transfer.quota import ENTRY
from sessions.transfer.shares import Shares
from tests.images_fixture import desktop_image
from tests.sessions.guests.qemu.machine import SECONDS
from tests.sessions.guests.qemu.test_guest import until
from tests.sessions.guests.qemu.warm.host import Host
from tests.warm import warm_desktop

pytestmark = [pytest.mark.qemu, pytest.mark.slow]

DESKTOP = {"kind": "qemu", "template": "desktop"}
QUOTA = 50_000_000
SHARED = "/home/user/Shared"


@pytest_twisted.async_yield_fixture(scope="module")
async def machine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("share")
    host = Host(
        folder, desktop_image().folder.parent, warm_folder=str(warm_desktop()), boot_seconds=300,
        shares_folder=str(folder / "shares"), share_quota=QUOTA,
    )  # fmt: skip
    try:
        made = await host.start(DESKTOP)
        made.share = Shares(folder / "shares", QUOTA).of("ada", "test")
        made.guest.share.lend("ada", "test")
        await until(lambda: made.guest.share.mounted, SECONDS)
        yield made
    finally:
        await host.leave()


async def run(machine, script):
    """Run as the desktop's user, who has to succeed."""
    user = ["setpriv", "--reuid=user", "--regid=user", "--init-groups", "env", "HOME=/home/user"]
    command = [*user, "LC_ALL=C.UTF-8", "sh", "-ec", script]
    done = await machine.guest.services.run(command, seconds=120)
    assert done.code == 0, done
    return done.out.decode()


async def mounted(machine):
    await until(lambda: machine.guest.share.mounted, SECONDS)
    script = f"until grep -q ' {SHARED} 9p ' /proc/mounts; do sleep 0.2; done"
    await run(machine, script)


@pytest_twisted.ensureDeferred
async def test_what_the_person_has_put_there_is_on_the_desktop(machine):
    await mounted(machine)
    data = os.urandom(3_000_000)
    (machine.share.tree.root / "名前 1.bin").write_bytes(data)
    found = await run(machine, "cat ~/Desktop/Shared/名前* | sha256sum; ls ~/Shared")
    assert found.split() == [hashlib.sha256(data).hexdigest(), "-", "名前", "1.bin"]


@pytest_twisted.ensureDeferred
async def test_what_the_desktop_writes_there_is_the_persons(machine):
    script = (
        "cd ~/Shared; mkdir -p a/b; head -c 2000000 /dev/urandom > a/b/x; cp a/b/x a/y; mv a/y a/z;"
        "echo >> a/z; truncate -s 5 a/z; touch -d @1000000000 a/z; rm a/b/x; rmdir a/b;"
        "stat -c '%s %Y %U' a/z; cat a/z | wc -c"
    )
    assert (await run(machine, script)).split() == ["5", "1000000000", "user", "5"]
    assert [(each.name, each.size, each.changed) for each in machine.share.entries(("a",))] == [("z", 5, 1e9)]
    machine.share.remove(("a",))
    machine.share.remove(("名前 1.bin",))
    assert machine.share.account.used() == 0


@pytest.mark.long
@pytest_twisted.ensureDeferred
async def test_many_files_and_programs_that_are_particular(machine):
    script = (
        "cd ~/Shared; mkdir many; for i in $(seq 300); do : > many/$i; done; ls many | wc -l;"
        'python3 -c \'import sqlite3; sqlite3.connect("t.db").execute("create table a(b)")\';'
        "tar cf t.tar many; tar tf t.tar | wc -l; rm -r many t.db t.tar; ls -A"
    )
    assert (await run(machine, script)).split() == ["300", "301"]
    assert machine.share.account.used() == 0


@pytest_twisted.ensureDeferred
async def test_the_guest_gets_neither_beyond_its_quota_nor_out(machine, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (machine.share.tree.root / "link").symlink_to(tmp_path / "secret")
    (machine.share.tree.root / "out").symlink_to(tmp_path)
    script = (
        "cd ~/Shared; ! cat link; ! ls out/; ! ln -s /etc/passwd l; ! ln /etc/hostname h; ! mkfifo p;"
        "! head -c 60000000 /dev/zero > big; stat -c %s big; ! truncate -s 1T big; rm big; ls -A"
    )
    said = (await run(machine, script)).split()
    assert len(said) == 1
    assert 0 < int(said[0]) <= QUOTA - ENTRY
    assert machine.share.account.used() == 0
    for name in ("link", "out"):
        (machine.share.tree.root / name).unlink()


@pytest_twisted.ensureDeferred
async def test_it_is_there_again_after_the_session_host(machine):
    (machine.share.tree.root / "kept").write_text("kept")
    await machine.guest.services.run(["sh", "-c", f"sleep 600 <{SHARED}/kept >/dev/null 2>&1 &"])
    machine.guest.share.close()  # as when the process was killed
    assert not machine.guest.share.mounted
    machine.guest.share.lend("ada", "test")
    await mounted(machine)
    assert await run(machine, "cat ~/Shared/kept") == "kept"


@pytest_twisted.ensureDeferred
async def test_it_is_there_again_after_the_program_in_the_guest(machine):
    await machine.guest.services.run(["systemctl", "kill", "--signal=KILL", "tsgateway-share.service"])
    await until(lambda: not machine.guest.share.mounted, SECONDS)
    await mounted(machine)
    assert await run(machine, "cat ~/Shared/kept") == "kept"
