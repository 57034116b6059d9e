"""What programs in a desktop copy and would paste, by xclip."""

from __future__ import annotations

import hashlib

from tests.e2e.agent import Agent
from tests.e2e.machine import wait_for

AS_USER = "runuser -u user -- env DISPLAY=:0 HOME=/home/user"
TEXT = "Grüße — 日本語 🙂\n\tzwei Zeilen\n"
UTF8 = "UTF8_STRING"


def guest_copies(guest: Agent, script: str, target: str = UTF8) -> None:
    """Have a program in the guest copy what a script says."""
    guest.run(
        f"{script} > /tmp/copied; chmod 644 /tmp/copied;"
        f"{AS_USER} xclip -selection clipboard -t {target} -i /tmp/copied </dev/null >/dev/null 2>&1"
    )


def guest_has(guest: Agent, content: bytes, target: str = UTF8) -> None:
    """Wait until a program in the guest would paste this."""
    script = f"{AS_USER} timeout 20 xclip -selection clipboard -t {target} -o 2>&1"
    digest = hashlib.sha256(content).hexdigest()
    wait_for(
        lambda: digest in guest.run(f"{script} | sha256sum"),
        f"{content[:60]!r}",
        lambda: guest.run(f"{script} | head -c 300"),
    )
