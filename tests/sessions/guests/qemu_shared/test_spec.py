"""What a shared desktop may say."""

import pytest

from sessions.guests.base import GuestError
from sessions.guests.qemu.spec import Spec as QemuSpec
from sessions.guests.qemu_shared.spec import Spec

FULL = {
    "template": "t",
    "sessions_per_guest": 3,
    "machines": 2,
    "memory_mb": 900,
    "cpus": 4,
    "empty_minutes": 0,
}


def test_all_of_it_and_the_least_of_it():
    assert Spec.read({"kind": "qemu-shared", **FULL}) == Spec("t", 3, 2, 900, 4, 0)
    assert Spec.read({"template": "t"}) == Spec("t", 8, 0, 0, 2, 5)


@pytest.mark.parametrize("spec", [FULL, {"template": "t"}])
def test_it_is_written_so_that_it_can_be_read(spec):
    assert Spec.read(Spec.read(spec).table()) == Spec.read(spec)


def test_a_machine_has_room_for_its_people():
    machine = QemuSpec.read(Spec.read({"template": "t", "sessions_per_guest": 4}).machine)
    assert (machine.template, machine.memory_mb, machine.cpus) == ("t", 512 + 4 * 192, 2)
    assert QemuSpec.read(Spec.read(FULL).machine).memory_mb == 900


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"template": ""}, "template"),
        ({"template": 7}, "template"),
        ({"sessions_per_guest": 0}, "sessions_per_guest"),
        ({"sessions_per_guest": 25}, "sessions_per_guest"),
        ({"sessions_per_guest": "8"}, "sessions_per_guest"),
        ({"machines": -1}, "machines"),
        ({"memory_mb": 1}, "memory_mb"),
        ({"cpus": True}, "cpus"),
        ({"empty_minutes": 0.5}, "empty_minutes"),
    ],
)
def test_what_cannot_be_is_named(wrong, named):
    with pytest.raises(GuestError, match=named):
        Spec.read({**FULL, **wrong})
