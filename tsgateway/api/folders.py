"""The shared folders as the API uses them: on threads of their own, so that nothing else waits for disks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sessions.transfer.shares import Shares
from tsgateway.config import FilesSection
from tsgateway.threads import Threads


@dataclass(frozen=True)
class SharedFolders:
    """All shared folders. quick: threads for pieces and lists; long: for what reads whole files."""

    shares: Shares
    quick: Threads
    long: Threads

    @classmethod
    def of(cls, section: FilesSection, folder: Path, reactor: Any) -> SharedFolders:
        """Return those in a folder, which is made when it is needed first."""
        shares = Shares(folder, int(section.quota_gb * 1e9), section.keep_days)
        return cls(shares, Threads(reactor, "transfers", 4), Threads(reactor, "checksums", 2))

    def start(self) -> None:
        """Take calls from now on."""
        self.quick.start()
        self.long.start()

    def stop(self) -> None:
        """Finish what was begun, then end."""
        self.quick.stop()
        self.long.stop()
