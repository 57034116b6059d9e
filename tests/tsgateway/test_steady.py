"""A time of day that nobody can set."""

from pathlib import Path

from tsgateway import steady
from tsgateway.steady import steady_time

START = 1_700_000_000.0


class Machine:
    """A machine whose clock can be set."""

    def __init__(self, kept: Path) -> None:
        self.kept, self.wall, self.passed = kept, START, 100.0

    def goes_on(self, seconds: float) -> None:
        self.wall += seconds
        self.passed += seconds

    def clock(self):
        return steady_time(self.kept, lambda: self.wall, lambda: self.passed)


def test_setting_the_clock_does_not_move_it(tmp_path: Path):
    machine = Machine(tmp_path / "clock")
    clock = machine.clock()
    assert clock() == START
    for jump in (3600, -7200):
        machine.wall += jump
        before = clock()
        machine.goes_on(5)
        assert clock() == before + 5


def test_nor_does_it_when_the_gateway_starts_again(tmp_path: Path):
    machine = Machine(tmp_path / "clock")
    machine.clock()
    machine.wall += 3600
    machine.goes_on(60)
    assert machine.clock()() == START + 60
    assert (tmp_path / "clock").stat().st_mode & 0o777 == 0o600


def test_a_machine_that_starts_again_looks_at_the_clock(tmp_path: Path, monkeypatch):
    machine = Machine(tmp_path / "clock")
    machine.clock()
    other = tmp_path / "boot"
    other.write_text("another\n")
    monkeypatch.setattr(steady, "BOOT", other)
    machine.wall, machine.passed = START + 900, 1.0
    assert machine.clock()() == START + 900


def test_a_file_of_no_use_and_no_room_for_one(tmp_path: Path):
    for text in ("", "[]", "{}", '{"boot": 1}'):
        (tmp_path / "clock").write_text(text)
        assert Machine(tmp_path / "clock").clock()() == START
    assert Machine(tmp_path / "missing" / "clock").clock()() == START
