"""The probe finds out whether a guest really runs."""

import json
import stat

import pytest
import pytest_twisted
from twisted.internet import reactor

from sessions.guests.qemu import accelerator
from sessions.guests.qemu.accelerator import Accelerator, boot_sector_runs, probe

QEMU = "qemu-system-x86_64"


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A QEMU that does what is asked, counts its runs, on a machine with a KVM device."""
    device = tmp_path / "kvm"
    device.touch()
    monkeypatch.setattr(accelerator, "KVM_DEVICE", device)

    def make(script):
        path = tmp_path / "qemu"
        path.write_text(f"#!/bin/sh\necho >> {tmp_path}/runs\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    make.runs = lambda: len((tmp_path / "runs").read_text()) if (tmp_path / "runs").exists() else 0
    make.cache = tmp_path / "cache"
    return make


@pytest.mark.qemu
def test_the_boot_sector_runs_where_guests_run():
    assert boot_sector_runs(QEMU, "tcg", seconds=60) == ""


@pytest.mark.qemu
@pytest_twisted.ensureDeferred
async def test_the_answer_for_this_machine_is_true():
    found = await probe(reactor, QEMU)
    assert (found.name == "kvm") == (boot_sector_runs(QEMU, "kvm") == "")
    assert found.reason


@pytest_twisted.ensureDeferred
async def test_a_machine_that_speaks_means_kvm(fake):
    assert await probe(reactor, fake("exit 85")) == Accelerator("kvm", "a test machine ran")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exec sleep 60", "did not run within"),
        ("echo 'failed to set MSR' >&2; kill -ABRT $$", "failed to set MSR"),
        ("exit 0", "ended with code 0"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_everything_else_means_emulation(fake, monkeypatch, script, reason):
    monkeypatch.setattr(accelerator.boot_sector_runs, "__defaults__", (0, 1.0))
    found = await probe(reactor, fake(script))
    assert found.name == "tcg"
    assert reason in found.reason


@pytest_twisted.ensureDeferred
async def test_no_device_and_no_qemu(fake, tmp_path, monkeypatch):
    assert (await probe(reactor, str(tmp_path / "nothing"))).name == "tcg"
    monkeypatch.setattr(accelerator, "KVM_DEVICE", tmp_path / "no-kvm")
    found = await probe(reactor, fake("exit 85"))
    assert found == Accelerator("tcg", f"there is no {tmp_path / 'no-kvm'}")
    assert fake.runs() == 0


@pytest_twisted.ensureDeferred
async def test_the_operator_decides(fake):
    qemu = fake("exit 85")
    assert (await probe(reactor, qemu, wanted="tcg")).name == "tcg"
    assert (await probe(reactor, qemu, wanted="kvm")).name == "kvm"
    assert fake.runs() == 0


@pytest_twisted.ensureDeferred
async def test_the_answer_is_remembered_until_the_next_boot(fake):
    qemu = fake("exit 85")
    for _ in range(2):
        assert (await probe(reactor, qemu, cache=fake.cache)).name == "kvm"
    assert fake.runs() == 1
    file = fake.cache / "accelerator.json"
    kept = json.loads(file.read_text())
    kept["here"]["boot"] = "another boot"
    for content in (json.dumps(kept), "rubbish", "[]", "{}"):
        file.write_text(content)
        assert (await probe(reactor, qemu, cache=fake.cache)).name == "kvm"
    assert fake.runs() == 5
    qemu = fake("exit 1 # another QEMU")
    assert (await probe(reactor, qemu, cache=fake.cache)).name == "tcg"


@pytest_twisted.ensureDeferred
async def test_a_cache_that_cannot_be_written_is_no_failure(fake, tmp_path):
    (tmp_path / "file").touch()
    assert (await probe(reactor, fake("exit 85"), cache=tmp_path / "file")).name == "kvm"
