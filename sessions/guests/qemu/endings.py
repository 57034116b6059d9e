"""Why a QEMU ended, or never began, as sentences."""

from __future__ import annotations

import signal

from sessions.guests.base import GuestError
from sessions.wire.qmp import Event

_REASONS = {
    "guest-shutdown": "The guest was shut down.",
    "guest-panic": "The guest's operating system has crashed.",
    "guest-reset": "The guest was restarted.",
    "host-signal": "The guest was ended by the server.",
    "host-qmp-quit": "The guest was ended by the server.",
    "host-qmp-system-reset": "The guest was restarted by the server.",
    "host-ui": "The guest was ended by the server.",
}


class Ending:
    """Collects what QEMU says before it goes."""

    def __init__(self) -> None:
        self._reason = ""

    def learn(self, event: Event) -> None:
        """Take an event of the monitor."""
        if event.name == "SHUTDOWN":
            self._reason = str(event.data.get("reason", ""))
        elif event.name == "GUEST_PANICKED":
            self._reason = "guest-panic"

    def sentence(self, exit_code: int | None) -> str:
        """Say why QEMU has ended. exit_code: negative for a signal, None where unknown."""
        if self._reason:
            return _REASONS.get(self._reason, f"The guest has ended ({self._reason}).")
        if exit_code == -signal.SIGKILL:
            return "The guest was killed; the server may be out of memory."
        if exit_code is not None and exit_code < 0:
            return f"The guest's virtual machine has crashed ({signal.Signals(-exit_code).name})."
        return "The guest's virtual machine has ended unexpectedly."


def start_failure(qemu: str, said: str, error: str) -> GuestError:
    """Return the error for a QEMU that did not come up. said: its error output."""
    detail = said or error
    if "failed to execute" in said and qemu in said:
        return GuestError(
            "This server cannot run virtual machines: QEMU is not installed.",
            f"{said}\n{qemu} not found: apt-get install qemu-system-x86 qemu-system-gui",
        )
    if "dbus" in said and ("display" in said.lower() or "type" in said):
        return GuestError(
            "This server's QEMU lacks the display that is needed here.",
            f"{said}\nQEMU's D-Bus display is missing: apt-get install qemu-system-gui"
            " (from Debian 13 on: qemu-system-modules-opengl)",
        )
    if "Cannot allocate memory" in said or "cannot set up guest memory" in said:
        return GuestError("The server has too little memory for this guest.", detail)
    if "kernel" in said:
        return GuestError("The guest's image is broken: its kernel cannot be loaded.", detail)
    if "qcow2" in said or "fdset" in said:
        return GuestError("The guest's image is broken: its disk cannot be opened.", detail)
    return GuestError("The guest's virtual machine did not start.", detail)
