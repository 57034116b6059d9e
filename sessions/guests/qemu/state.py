"""A guest's state folder: what a later session host needs to find its QEMU again.

    guest.json          this state, written aside and renamed
    pointer             how the pointer looks (pointer.py)
    template.qcow2      the image's disk, where it has one        } see disk.py
    warm.qcow2          a clone's: the warm template's overlay     }
    disk.qcow2          the overlay on all that, the guest's own   }
    kernel, initrd      the image's, where it boots without firmware
    image.json          how that image boots (sessions/images/store.py), to start again on this disk
    qmp.sock            the monitor                     } bound by us and passed to QEMU: whoever
    qmp-operator.sock   another, for people and tests   } may not enter the folder cannot reach them
    text.sock           the text port                   }
    agent.sock          the guest agent's               }
    clipboard.sock      the clipboard agent's           }
    microphone.sock     the microphone's                }
    org.….sock          further ports', by their names  }

Socket paths may have 107 bytes and a folder's may be longer, so sockets are named through a descriptor
of the folder, /proc/self/fd/N/qmp.sock.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sessions.files import write_whole
from sessions.guests.base import GuestError
from sessions.guests.qemu.process import ProcessId

STATE = "guest.json"
POINTER = "pointer"
QMP, OPERATOR, TEXT, AGENT = "qmp.sock", "qmp-operator.sock", "text.sock", "agent.sock"
MICROPHONE, CLIPBOARD = "microphone.sock", "clipboard.sock"
_MAX_STATE = 64 * 1024


@dataclass(frozen=True)
class State:
    """A running guest. created: seconds since 1970, for people to read.

    template: key of the warm template that it is a clone of, "" for one that has booted.
    """

    spec: Mapping[str, Any]
    image: str
    image_version: str
    accelerator: str
    process: ProcessId
    uid: int
    created: float
    template: str = ""

    def write(self, folder: Path) -> None:
        """Keep it. Raises OSError."""
        write_whole(folder / STATE, json.dumps(asdict(self), indent=2).encode())

    @classmethod
    def read(cls, folder: Path) -> State:
        """Return what was kept. Raises GuestError."""
        try:
            with (folder / STATE).open("rb") as file:
                fields = json.loads(file.read(_MAX_STATE))
            process = ProcessId(int(fields["process"]["pid"]), int(fields["process"]["started"]))
            return cls(
                dict(fields["spec"]), str(fields["image"]), str(fields["image_version"]),
                str(fields["accelerator"]), process, int(fields["uid"]), float(fields["created"]),
                str(fields.get("template", "")),
            )  # fmt: skip
        except FileNotFoundError as error:
            raise GuestError("This session's guest is gone.", f"{folder / STATE} is missing") from error
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            detail = f"{folder / STATE} cannot be read: {error!r}"
            raise GuestError("This session's guest cannot be found again.", detail) from error


def listen(folder: Path, name: str) -> socket.socket:
    """Return a listening Unix socket `name` in `folder`. Raises OSError."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(listening.fileno(), 0o600)  # what bind gives the file
        with contextlib.suppress(FileNotFoundError):
            (folder / name).unlink()
        with short_path(folder, name) as path:
            listening.bind(path)
        listening.listen(1)
    except BaseException:
        listening.close()
        raise
    return listening


@contextlib.contextmanager
def short_path(folder: Path, name: str) -> Iterator[str]:
    """Name a file in `folder` in a few bytes, within the block."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)


def clear(folder: Path, keep: tuple[str, ...] = ()) -> None:
    """Remove what a guest keeps in its folder, `keep` aside. Never raises."""
    sockets = {path.name for path in folder.glob("*.sock")}
    for name in {STATE, f"{STATE}.new", POINTER, f"{POINTER}.new", *sockets} - set(keep):
        with contextlib.suppress(OSError):
            (folder / name).unlink()
