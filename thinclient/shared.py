"""The folder that a desktop shares with its person, as the gateway tells of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from sessions.pixels.geometry import Size
from sessions.transfer.names import MAX_DEPTH
from thinclient.local import local_name
from thinclient.transfer import TransferFailed
from tsgateway.client import Client, NotThere
from tsgateway.client.viewer.access import Access


@dataclass(frozen=True, slots=True)
class Found:
    """A file, or an empty folder (size None), in the shared folder.

    source: its path there; below: what it is called here, name by name, below where it goes.
    """

    source: str
    below: tuple[str, ...]
    size: int | None


def session_of(gateway: Client, desktop: str, size: tuple[int, int] | None) -> str:
    """Return the session of a person on a desktop; one starts where there is none. Raises ClientError."""
    access = Access(gateway, desktop)
    try:
        return asyncio.run(access.first(Size(*size) if size else None)).session
    finally:
        access.close()


def found(client: Client, session: str, path: str) -> Iterator[Found]:
    """Yield a file, or all that is in a folder; "." is the shared one.

    Raises ClientError, also for names that cannot be here.
    """
    bare = path.strip("/")
    if bare in ("", "."):
        yield from _inside(client, session, "", ())
        return
    folder, _, name = bare.rpartition("/")
    for each in client.list_files(session, path=folder)["files"]:
        if each["name"] == name:
            if each["folder"]:
                yield from _inside(client, session, bare, (local_name(name),))
            else:
                yield Found(bare, (local_name(name),), each["bytes"])
            return
    raise NotThere(f"“{path}” is not in the folder that this desktop shares.", status=404)


def _inside(client: Client, session: str, path: str, below: tuple[str, ...]) -> Iterator[Found]:
    if len(below) > MAX_DEPTH:
        raise TransferFailed("The folders there are nested too deeply.")
    listed = client.list_files(session, path=path)["files"]
    if not listed:
        yield Found(path, below, None)
    for each in listed:
        inner = (*below, local_name(each["name"]))
        source = f"{path}/{each['name']}" if path else each["name"]
        if each["folder"]:
            yield from _inside(client, session, source, inner)
        else:
            yield Found(source, inner, each["bytes"])
