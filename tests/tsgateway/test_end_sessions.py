"""`tsgateway end-sessions`, interrupted: no traceback, nothing held, and the next one ends the sessions."""

import signal
import subprocess

import pytest

from tests.e2e.gateway import PASSWORD, ROOT, RealGateway, holder
from tests.e2e.machine import wait_for
from tests.tsgateway.client.test_viewer import pin
from tsgateway.client import signed_in

DESKTOPS = """
[desktops.still]
title = "Still card"
kind = "testcard"
users = ["ada"]
"""


@pytest.mark.slow
def test_an_interruption_is_told_and_the_next_one_ends_all() -> None:
    real = RealGateway(DESKTOPS)
    with signed_in(real.url, "ada", PASSWORD, fingerprint=pin(real)) as gateway:
        gateway.connect_desktop("still")
    real.kill()
    program = subprocess.Popen(
        real._command("end-sessions"), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    lock = real.folder / "data/lock"
    wait_for(lambda: holder(lock) == program.pid, "the ending to begin")
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=120)
    assert (program.returncode, out, err) == (130, "Interrupted; again, it ends what is left.\n", "")
    assert real.run("end-sessions").startswith("Sessions ended: ")
    assert not real.sessions()
    real.start()
    real.stop()
