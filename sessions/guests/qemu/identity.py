"""What tells one guest from every other: made anew for each start, never taken from the template."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """machine_id: 32 hex digits (machine-id(5)). mac: of its network card. host_name: one label.

    generation: the machine's generation id, a GUID. A guest that sees it change knows that it is a copy, and
    Linux begins its random numbers anew.
    """

    machine_id: str
    mac: str
    host_name: str
    generation: str

    @classmethod
    def new(cls, image: str) -> Identity:
        """Return one that nobody has. image: the name of the image, which begins the host name."""
        mac = secrets.token_bytes(3)
        label = "".join(
            character for character in image.lower() if character.isascii() and character.isalnum()
        )
        return cls(
            machine_id=uuid.uuid4().hex,
            mac=f"52:54:00:{mac[0]:02x}:{mac[1]:02x}:{mac[2]:02x}",
            host_name=f"{label[:40] or 'guest'}-{secrets.token_hex(4)}",
            generation=str(uuid.uuid4()),
        )

    def script(self, now: float) -> bytes:
        """Return what `renew-identity` in the guest reads (images/README.md). now: seconds since 1970."""
        values = {"machine-id": self.machine_id, "host-name": self.host_name, "mac": self.mac}
        lines = [f"{word} {value}\n" for word, value in values.items()]
        return "".join([*lines, f"time {now:.3f}\n"]).encode()
