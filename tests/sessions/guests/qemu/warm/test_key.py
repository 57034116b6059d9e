"""A template holds for one machine, one image and one QEMU."""

from dataclasses import fields, replace

import pytest

from sessions.guests.qemu.command import Descriptors, Machine
from sessions.guests.qemu.warm.key import KEY_DIGITS, Circumstances, key_of
from sessions.pixels.geometry import Size

ALL = Descriptors(-1, -1, -1, -1, disk=5, template=6, kernel=7, initrd=8)
HERE = Circumstances("desktop", "version", ("/usr/bin/qemu", 1, 2))
MACHINE = Machine(
    name="one", qemu="qemu", accelerator="tcg", tb_size_mb=64, memory_mb=512, cpus=2,
    screen=Size(1024, 768), network="isolated", firmware="none", append="quiet", descriptors=ALL,
    mac="52:54:00:01:02:03", generation="6ba7b810-9dad-11d1-80b4-00c04fd430c8",
)  # fmt: skip
OTHERS = {
    "name": "other",
    "qemu": "qemu-10",
    "accelerator": "kvm",
    "tb_size_mb": 128,
    "memory_mb": 1024,
    "cpus": 1,
    "screen": Size(1920, 1080),
    "network": "open",
    "append": "quiet splash",
    "ports": ("org.example.port",),
    "descriptors": replace(ALL, qmp=99, disk=40),
    "mac": "52:54:00:0a:0b:0c",
    "generation": "00000000-0000-0000-0000-000000000000",
    "memory": "template",
    "cpu_percent": 50,
}
EACH_GUESTS_OWN = {"name", "screen", "descriptors", "mac", "generation", "memory", "cpu_percent"}


def test_every_field_of_a_machine_is_thought_of():
    without_kernel = {"firmware"}  # below
    assert set(OTHERS) | without_kernel == {field.name for field in fields(Machine)}


@pytest.mark.parametrize("field", sorted(OTHERS))
def test_what_the_command_line_says_is_in_the_key_but_what_is_each_guests_own(field):
    other = replace(MACHINE, **{field: OTHERS[field]})
    same = key_of(other, ALL, HERE) == key_of(MACHINE, ALL, HERE)
    assert same == (field in EACH_GUESTS_OWN)


@pytest.mark.parametrize("file", ["disk", "kernel", "initrd"])
def test_an_image_with_other_files_is_another(file):
    assert key_of(MACHINE, replace(ALL, **{file: -1}), HERE) != key_of(MACHINE, ALL, HERE)


def test_firmware_counts_where_it_boots():
    no_kernel = replace(ALL, kernel=-1, initrd=-1)
    uefi = replace(MACHINE, firmware="uefi")
    assert key_of(uefi, no_kernel, HERE) != key_of(MACHINE, no_kernel, HERE)


@pytest.mark.parametrize(
    "other",
    [
        replace(HERE, image="tiny"),
        replace(HERE, version="next"),
        replace(HERE, qemu=("/opt/qemu", 1, 2)),
        replace(HERE, qemu=("/usr/bin/qemu", 9, 2)),
        replace(HERE, qemu=("/usr/bin/qemu", 1, 9)),
        replace(HERE, processor="another"),
    ],
)
def test_another_image_or_qemu_or_processor_is_another_key(other):
    assert key_of(MACHINE, ALL, other) != key_of(MACHINE, ALL, HERE)


def test_a_key_is_a_name_for_a_folder():
    key = key_of(MACHINE, ALL, HERE)
    assert len(key) == KEY_DIGITS
    assert key.isalnum()
    assert key == key_of(MACHINE, ALL, HERE)
