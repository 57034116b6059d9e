"""What a desktop of kind "qemu-shared" may say.

    kind              = "qemu-shared"
    template          = "desktop"   # an image in the store, with tsgateway-seats in it (docs/shared-hosts.md)
    sessions_per_guest = 8          # people in one machine, 1 to 24
    machines          = 0           # machines on one session host at most; 0: as many as are needed
    memory_mb         = 2048        # of one machine; by default 512 and 192 for each person
    cpus              = 2           # of one machine
    empty_minutes     = 5           # how long a machine that nobody uses is kept; 0: for ever

The session host's settings are those of kind "qemu".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sessions.guests.qemu.spec import CPUS, MEMORY_MB, number, template_of

SESSIONS_PER_GUEST = range(1, 25)
MACHINES = range(1001)
EMPTY_MINUTES = range(7 * 24 * 60 + 1)
BASE_MB, SESSION_MB = 512, 192


@dataclass(frozen=True)
class Spec:
    """A valid desktop. Machines are shared by sessions whose desktop says the same.

    memory_mb is 0 where the default shall be taken.
    """

    template: str
    sessions_per_guest: int = 8
    machines: int = 0
    memory_mb: int = 0
    cpus: int = 2
    empty_minutes: int = 5

    @classmethod
    def read(cls, spec: Mapping[str, Any]) -> Spec:
        """Check a desktop's spec. Raises GuestError."""
        return cls(
            template_of(spec),
            number(spec, "sessions_per_guest", SESSIONS_PER_GUEST, cls.sessions_per_guest),
            number(spec, "machines", MACHINES, cls.machines),
            number(spec, "memory_mb", MEMORY_MB, 0),
            number(spec, "cpus", CPUS, cls.cpus),
            number(spec, "empty_minutes", EMPTY_MINUTES, cls.empty_minutes),
        )

    def table(self) -> dict[str, Any]:
        """Return what `read` takes."""
        return {name: value for name, value in asdict(self).items() if (name, value) != ("memory_mb", 0)}

    @property
    def machine(self) -> dict[str, Any]:
        """The machine itself, as a desktop of kind "qemu"."""
        memory_mb = self.memory_mb or BASE_MB + SESSION_MB * self.sessions_per_guest
        boot = {"assignment": "pooled", "start": "boot"}  # its ports are none that a warm template has
        return {"kind": "qemu", "template": self.template, "memory_mb": memory_mb, "cpus": self.cpus, **boot}
