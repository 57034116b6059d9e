"""What a local session host is told, and when its folder holds something to look after."""

from pathlib import Path

import pytest

from tsgateway.config import Config
from tsgateway.hosts.place import HOST_COMMAND, holds, host_place, occupied, remains
from tsgateway.layout import Layout


@pytest.mark.parametrize(
    ("made", "held"),
    [("guests", False), ("guests/houses/qemu-shared", False), ("guests/houses/qemu-shared/0f", True)],
)
def test_a_machine_that_many_share_is_looked_after_when_nobody_is_in_it(
    tmp_path: Path, made: str, held: bool
) -> None:
    (tmp_path / made).mkdir(parents=True)
    assert holds(tmp_path) is held
    assert occupied(tmp_path) is held
    assert remains(tmp_path) == 0


def test_a_session_is_looked_after(tmp_path: Path) -> None:
    (tmp_path / "guests" / ("a" * 32)).mkdir(parents=True)
    assert holds(tmp_path)
    assert remains(tmp_path) == 1


def test_shared_machines_have_the_settings_of_all_machines(tmp_path: Path) -> None:
    config = Config.model_validate(
        {"guests": {"qemu": {"boot_seconds": 77}}, "data": {"directory": str(tmp_path)}}
    )
    guests = host_place(config, Layout.of(config), 0, HOST_COMMAND).settings["guests"]
    assert guests["qemu-shared"]["boot_seconds"] == 77
