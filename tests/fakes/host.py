"""A session host without desktops: speaks the session link, sends canned tsg messages.

Started like the real one, `host.py --settings FILE`. What a viewer sends comes back to it behind the byte
`ECHO`, so that a test sees exactly what the host got. Requests are noted in `requests.jsonl`.

What `load.json` beside it holds, if it is there, is its load (the link's `load` event).

A desktop's spec may have `"shareless": true` (it has no folder for files), `"refuse": true` (it cannot be
started), `"slow": true` (it starts for ever) and `"die": true` (the process ends when a viewer attaches).
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import time
from pathlib import Path

from sessions.wire.link import Kind, LinkMessage, LinkReader, encode
from sessions.wire.tsg import (
    FROM_VIEWER,
    Capability,
    ClientHello,
    CloseCode,
    Encoding,
    Frame,
    FrameFlag,
    Operation,
    ScreenSize,
    ServerHello,
    SessionState,
    State,
    decode,
)

ECHO = 0xF0
FRAME = Frame(
    1,
    FrameFlag.NEW_STREAM | FrameFlag.LAST,
    (Operation(Encoding.HISTORY, 0, 0, 8, 4),),
    bytes(range(256)) * 300,
)
"""No decoder would take its history: the gateway must not look."""
LOAD = {"cpu": 0.0, "memory_free": 8 << 30, "spares": {}, "seats": {}}


class FakeHost:
    """One link at a time is enough."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sessions: dict[str, dict] = {}
        self.specs: dict[str, dict] = {}
        self.pools: dict[str, dict] = {}
        self.viewers: dict[int, str] = {}
        self.after: list[bytes] = []
        self.stopped = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cutter = LinkReader()
        while data := await reader.read(65536):
            for message in cutter.receive(data):
                if message.kind is Kind.VIEWER:
                    self.from_viewer(message, writer)
                else:
                    self.request(message, writer)
            await writer.drain()
        self.viewers.clear()

    def from_viewer(self, message: LinkMessage, writer: asyncio.StreamWriter) -> None:
        decode(message.body, FROM_VIEWER)
        writer.write(encode(Kind.VIEWER, message.channel, bytes((ECHO,)) + message.body))

    def request(self, message: LinkMessage, writer: asyncio.StreamWriter) -> None:
        call = message.body
        self.note(call)
        try:
            result = getattr(self, "do_" + call["method"])(writer, **call["params"])
        except KeyError as error:
            answer = {"id": call["id"], "error": f"there is no {error}"}
        else:
            answer = {"id": call["id"], "result": result or {}}
        writer.write(encode(Kind.REPLY, 0, answer))
        for send in self.after:
            writer.write(send)
        self.after = []

    def load(self) -> dict:
        try:
            return json.loads((self.folder / "load.json").read_text())
        except FileNotFoundError:
            return {}

    def note(self, call: dict) -> None:
        with (self.folder / "requests.jsonl").open("a") as file:
            file.write(json.dumps(call) + "\n")

    def do_hello(self, writer, version):
        writer.write(encode(Kind.EVENT, 0, {"event": "load", "params": {**LOAD, **self.load()}}))
        return {"version": version, "pid": os.getpid(), "sessions": list(self.sessions.values())}

    def do_start(self, writer, session, desktop, user, title, spec, rules, width, height, number):
        if spec.get("refuse"):
            raise KeyError("such picture")
        self.specs[session] = spec
        self.sessions[session] = {
            "session": session,
            "desktop": desktop,
            "user": user,
            "title": title,
            "kind": spec["kind"],
            "state": SessionState.STARTING if spec.get("slow") else SessionState.ACTIVE,
            "progress": 100,
            "text": "",
            "viewers": 0,
            "started": time.time(),
            "number": number,
            "shares": not spec.get("shareless"),
        }
        return self.sessions[session]

    def do_attach(self, writer, session, viewer, hello, allow, limits=None):
        client = decode(base64.b64decode(hello), FROM_VIEWER)
        if not isinstance(client, ClientHello) or client.ticket:
            raise KeyError("ClientHello, or it has a ticket in it")
        if self.specs[session].get("die"):
            os._exit(3)
        self.viewers[viewer] = session
        self.after = [
            encode(Kind.VIEWER, viewer, message.encode())
            for message in (
                ServerHello(1, session, "fake", 1, 24, (Capability.HISTORY,)),
                ScreenSize(8, 4),
                State(SessionState.ACTIVE, 255, ""),
                FRAME,
            )
        ]

    def do_share(self, writer, session):
        return {"mounted": True}

    def do_number(self, writer, session, number):
        self.sessions[session]["number"] = number

    def do_activity(self, writer):
        return {"sessions": dict.fromkeys(self.sessions, 1234.5)}

    def do_end_unused(self, writer):
        pass

    def do_detach(self, writer, viewer):
        self.viewers.pop(viewer, None)

    def do_disconnect(self, writer, session, administrator):
        self.let_go(session, CloseCode.DISCONNECTED)

    def let_go(self, session, code):
        leaving = [viewer for viewer, where in self.viewers.items() if where == session]
        for viewer in leaving:
            del self.viewers[viewer]
            params = {"viewer": viewer, "code": code, "reason": "You have disconnected it."}
            self.after.append(encode(Kind.EVENT, 0, {"event": "detached", "params": params}))

    def do_reset(self, writer, session, administrator):
        self.do_end(writer, session)

    def do_log_off(self, writer, session, administrator):
        self.do_end(writer, session)

    def do_end(self, writer, session):
        info = self.sessions.pop(session)
        leaving = [viewer for viewer, where in self.viewers.items() if where == session]
        self.after = [
            encode(Kind.EVENT, 0, {"event": "session", "params": {**info, "state": SessionState.ENDED}}),
            *(
                encode(
                    Kind.EVENT,
                    0,
                    {
                        "event": "detached",
                        "params": {
                            "viewer": v,
                            "code": CloseCode.SESSION_ENDED,
                            "reason": "The session was ended.",
                        },
                    },
                )
                for v in leaving
            ),
        ]

    def do_pools(self, writer, pools):
        self.pools = {
            pool["desktop"]: {"desktop": pool["desktop"], "wanted": pool["spares"], "ready": pool["spares"],
                              "starting": 0, "trouble": ""}
            for pool in pools
        }  # fmt: skip
        return self.do_spares(writer)

    def do_spares(self, writer):
        pools = list(self.pools.values())
        return {"pools": pools, "left": sum(pool["ready"] for pool in pools)}

    def do_quit(self, writer):
        self.stopped.set()


async def main(socket: str, folder: Path) -> None:
    host = FakeHost(folder)
    server = await asyncio.start_unix_server(host.serve, socket)
    await host.stopped.wait()
    await asyncio.sleep(0.1)
    server.close()


if __name__ == "__main__":
    settings = json.loads(Path(sys.argv[sys.argv.index("--settings") + 1]).read_text())
    guests = Path(settings["state"])
    guests.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(settings["socket"], guests))
