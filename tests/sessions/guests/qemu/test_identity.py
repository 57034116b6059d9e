"""What tells one guest from every other."""

import re

from sessions.guests.qemu.identity import Identity


def test_no_two_are_alike():
    made = [Identity.new("desktop") for _ in range(200)]
    for field in ("machine_id", "mac", "host_name", "generation"):
        assert len({getattr(one, field) for one in made}) == len(made)


def test_every_value_is_one_that_its_reader_takes():
    one = Identity.new("My_Très.Long-" + "x" * 60)
    assert re.fullmatch(r"[0-9a-f]{32}", one.machine_id)
    assert re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", one.mac)
    assert int(one.mac[:2], 16) & 3 == 2, "an address of nobody's, for one machine"
    assert re.fullmatch(r"[a-z0-9]+-[0-9a-f]{8}", one.host_name)
    assert len(one.host_name) < 64
    assert Identity.new("___").host_name.startswith("guest-")


def test_the_script_reads_a_line_a_value():
    one = Identity("0" * 32, "52:54:00:01:02:03", "desktop-1", "guid")
    assert one.script(1.5).decode().splitlines() == [
        f"machine-id {'0' * 32}", "host-name desktop-1", "mac 52:54:00:01:02:03", "time 1.500",
    ]  # fmt: skip
