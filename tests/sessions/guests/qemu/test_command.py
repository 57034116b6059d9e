"""The command line, the spec and the settings."""

import itertools

import pytest

from sessions.guests.base import GuestError
from sessions.guests.qemu.command import Descriptors, Machine, as_user, qemu_command
from sessions.guests.qemu.endings import Ending
from sessions.guests.qemu.spec import Settings, Spec
from sessions.pixels.geometry import Size
from sessions.wire.qmp import Event


def machine(**changes):
    fields = dict(
        name="guest", qemu="qemu", accelerator="tcg", tb_size_mb=64, memory_mb=512, cpus=2,
        screen=Size(1024, 768), network="isolated", firmware="none", append="quiet, -sandbox off",
        descriptors=Descriptors(10, 9, 11, 12, disk=13, template=14, kernel=15, initrd=16),
        mac="52:54:00:01:02:03", generation="6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    )  # fmt: skip
    return Machine(**(fields | changes))


def option(command, name):
    return [value for key, value in itertools.pairwise(command) if key == name]


def test_no_default_device_no_config_and_a_sandbox():
    command = qemu_command(machine())
    assert {"-nodefaults", "-no-user-config"} <= set(command)
    (sandbox,) = option(command, "-sandbox")
    assert sandbox.startswith("on,")
    assert sandbox.count("=deny") == 4
    assert not any(word.startswith("/") and not word.startswith("/proc/self/fd/") for word in command)


def test_what_the_image_says_stays_in_its_argument():
    command = qemu_command(machine())
    assert option(command, "-append") == ["quiet, -sandbox off"]
    assert option(command, "-kernel") == ["/proc/self/fd/15"]
    assert option(command, "-initrd") == ["/proc/self/fd/16"]
    assert machine().descriptors.passed == (10, 9, 11, 12, 13, 14, 15, 16)


def test_the_template_is_read_only_and_nothing_is_below_it():
    template, disk = option(qemu_command(machine()), "-blockdev")
    assert '"read-only": true' in template
    assert '"backing": null' in template
    assert '"backing": "template"' in disk
    assert option(qemu_command(machine(descriptors=Descriptors(1, 2, 3, 4, kernel=5))), "-blockdev") == []


@pytest.mark.parametrize(("network", "restrict"), [("isolated", "on"), ("open", "off")])
def test_the_network(network, restrict):
    (netdev,) = option(qemu_command(machine(network=network)), "-netdev")
    assert f"restrict={restrict}" in netdev


def test_accelerators_and_firmware():
    assert option(qemu_command(machine()), "-accel") == ["tcg,thread=multi,tb-size=64"]
    assert option(qemu_command(machine(accelerator="kvm")), "-accel") == ["kvm"]
    no_kernel = Descriptors(10, 9, 11, 12, disk=13, template=14)
    assert option(qemu_command(machine(descriptors=no_kernel, firmware="bios")), "-bios") == []
    assert len(option(qemu_command(machine(descriptors=no_kernel, firmware="uefi")), "-bios")) == 1


def test_another_user_has_no_groups_but_those_given():
    assert as_user(["x"], 0) == ["setpriv", "--no-new-privs", "--", "x"]
    assert as_user(["x"], 7)[1:6] == ["--reuid", "7", "--regid", "7", "--clear-groups"]
    assert "--groups" in as_user(["x"], 7, [108])


@pytest.mark.parametrize(
    "spec",
    [{}, {"template": ""}, {"template": 7}, {"template": "x", "memory_mb": 15}, {"template": "x", "cpus": 0},
     {"template": "x", "cpus": True}, {"template": "x", "memory_mb": "512"}],
)  # fmt: skip
def test_specs_that_are_refused(spec):
    with pytest.raises(GuestError, match="This desktop"):
        Spec.read(spec)


def test_settings():
    assert Settings.read({"tb_size_mb": 64, "unknown": 1, "cache": None}) == Settings(tb_size_mb=64)
    for wrong in ({"accelerator": "hvf"}, {"network": "all"}, {"tb_size_mb": 0}, {"boot_seconds": "x"}):
        with pytest.raises(GuestError):
            Settings.read(wrong)


@pytest.mark.parametrize(
    ("events", "code", "sentence"),
    [
        ([Event("SHUTDOWN", {"reason": "guest-shutdown"})], 0, "The guest was shut down."),
        ([Event("GUEST_PANICKED", {})], 0, "The guest's operating system has crashed."),
        ([Event("SHUTDOWN", {"reason": "host-signal"})], 0, "The guest was ended by the server."),
        ([], -9, "The guest was killed; the server may be out of memory."),
        ([], -11, "The guest's virtual machine has crashed (SIGSEGV)."),
        ([], None, "The guest's virtual machine has ended unexpectedly."),
    ],
)
def test_endings(events, code, sentence):
    ending = Ending()
    for event in events:
        ending.learn(event)
    assert ending.sentence(code) == sentence


def test_further_ports_are_on_a_controller_that_has_a_number_left_for_a_console():
    descriptors = Descriptors(1, 2, 3, 4, ports={"org.example.a": 21, "org.example.b": 22})
    command = qemu_command(machine(descriptors=descriptors))
    assert "virtio-serial-pci,id=further,max_ports=3" in option(command, "-device")
    port = "virtserialport,bus=further.0,chardev=org.example.b,name=org.example.b"
    assert port in option(command, "-device")
    assert "socket,id=org.example.b,fd=22,server=on,wait=off" in option(command, "-chardev")
    assert descriptors.passed[-2:] == (21, 22)
    assert not any("further" in word for word in qemu_command(machine()))


def test_a_card_whose_sound_a_vnc_server_tells_that_listens_nowhere():
    command = qemu_command(machine())
    assert option(command, "-vnc") == ["none,audiodev=sound"]
    assert option(command, "-audiodev") == ["none,id=sound"]
    assert option(command, "-device")[-2:] == [
        "intel-hda,id=sound-card",
        "hda-output,audiodev=sound,bus=sound-card.0",
    ]


def test_the_microphone_is_a_port_where_there_is_one():
    descriptors = Descriptors(1, 2, 3, 4, microphone=5)
    assert "virtserialport,id=microphone,chardev=microphone,name=org.tsgateway.microphone" in option(
        qemu_command(machine(descriptors=descriptors)), "-device"
    )
    assert 5 in descriptors.passed
    assert not any("microphone" in word for word in qemu_command(machine()))
