"""The library in front of a real machine: what it sees is what the machine's own monitor says it shows."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.e2e.gateway import PASSWORD, RealGateway
from tests.e2e.machine import PATIENCE, Machine, wait_for
from tests.images_fixture import tiny_image
from tests.tsgateway.client.test_viewer import colours, pin
from tsgateway.client import signed_in
from tsgateway.client.viewer import Viewer

pytestmark = [pytest.mark.qemu, pytest.mark.slow]

DESKTOPS = """
[guests.qemu]
accelerator = "tcg"
[desktops.tiny]
title = "Tiny"
kind = "qemu"
template = "tiny"
groups = ["users"]
"""


@pytest.fixture(scope="module")
def real() -> Iterator[RealGateway]:
    made = RealGateway(DESKTOPS, images=tiny_image().folder.parent)
    yield made
    made.stop()


def same(viewer: Viewer, machine: Machine) -> bool:
    """Whether the viewer shows the machine's screen, every pixel; it may be about to."""
    truth, seen = machine.screen(), colours(viewer.pixels())
    return truth.shape == seen.shape and np.array_equal(truth, seen)


def saved(viewer: Viewer, path: Path, machine: Machine) -> bool:
    """Whether a PNG file of what the viewer shows is the machine's screen; it may be about to."""
    viewer.save(path)
    shot, truth = np.asarray(Image.open(path)).astype(np.uint32), machine.screen()
    return np.array_equal(shot[:, :, 0] << 16 | shot[:, :, 1] << 8 | shot[:, :, 2], truth)


def test_a_real_guest_is_seen_as_it_is_and_takes_what_is_typed(real: RealGateway, tmp_path: Path) -> None:
    with (
        signed_in(real.url, "ada", PASSWORD, fingerprint=pin(real)) as gateway,
        Viewer(gateway, "tiny", reconnect=True) as viewer,
    ):
        viewer.wait_for_picture(PATIENCE)
        [folder] = real.sessions()
        with Machine(folder) as machine:
            wait_for(lambda: same(viewer, machine), "the guest's picture")
            before = viewer.pixels()
            viewer.type("echo typed\n")
            viewer.move(50, 60)
            viewer.wait_until(lambda pixels: not np.array_equal(pixels, before), PATIENCE)
            wait_for(lambda: same(viewer, machine), "what was typed, as the guest shows it")
            wait_for(lambda: saved(viewer, tmp_path / "tiny.png", machine), "a file of that")
            real.line.cut()
            seen = viewer.pictures
            real.line.mend()
            viewer.wait_for_change(seen, PATIENCE)
            wait_for(lambda: same(viewer, machine), "the picture after a cut")
        gateway.reset_session(viewer.session)
