"""Programs started as a terminal starts them."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def start(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], *, session: bool = False
) -> subprocess.Popen[str]:
    """Run a command in `folder`, both outputs in one pipe; `session`: in a session of its own.

    It heeds Ctrl-C, though the tests themselves may run in the background, where that is ignored.
    """
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=session,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )
