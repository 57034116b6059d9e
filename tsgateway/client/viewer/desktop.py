"""A viewer for asyncio: sees a desktop, types and points.

async with AsyncViewer(gateway, "work") as viewer:
    await viewer.wait_for_picture()
    await viewer.type("hello\\n")
    viewer.save("work.png")
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sessions.pixels.geometry import Size
from sessions.wire import tsg
from sessions.wire.tsg import Capability, CloseCode
from tsgateway.client.client import Client
from tsgateway.client.errors import ClientError, NoRight, Refused, TookTooLong, ViewerClosed
from tsgateway.client.viewer import conversation, keys
from tsgateway.client.viewer.access import Access, Look
from tsgateway.client.viewer.carrier import Carrier
from tsgateway.client.viewer.clipboard import Clipboard, Content
from tsgateway.client.viewer.connections import Connections, Retrying
from tsgateway.client.viewer.conversation import Conversation, Drawn, Event
from tsgateway.client.viewer.decode import Picture, Pixels, sound
from tsgateway.client.viewer.retry import DISAGREEMENT
from tsgateway.client.viewer.sound import Hearing, Played

PATIENCE = 60.0
"""Seconds that things are waited for, unless told otherwise."""
_SENTENCES: dict[int | None, str] = {
    CloseCode.VERSION: "This client and the gateway speak different versions of the protocol.",
    CloseCode.TAKEN_OVER: "The session is shown elsewhere now.",
    CloseCode.SESSION_ENDED: "The session has ended.",
    CloseCode.SIGNED_OUT: "The sign-in has ended.",
    CloseCode.NORMAL: "The viewer is closed.",
}


@dataclass(frozen=True, slots=True)
class Queued:
    """The session waits for its turn to start; so many people come before."""

    before: int


Happening = Event | Retrying | Queued


class AsyncViewer:
    """One viewer of a session, for one event loop.

    gateway: a client that is signed in. desktop: id or title; "" where there is but one. size: of the screen
    one would like. reconnect: after a cut, connect again by itself until that makes no sense. on_event: is
    called with everything that happens (see `conversation.Event`), on the loop; an Over comes for each
    connection, `closed` tells whether it was the last. on_sound: is called with what the desktop plays, 10 ms
    at a time, on the loop; without it sound is not asked for. hearing: what is wanted and known of sound.

    carrier: `tls`, `websocket`, or `auto`: a WebSocket where something in between ends TLS. look: looks on at
    `session`, somebody else's, as one's role allows: its person may be asked first.

    For programs with a window: session: of the desktop, to go to this one; client: the program's name and
    version; abilities: what it can do beyond `conversation.ABILITIES`; presents: it calls `presented` when a
    picture is on the screen; picture: what frames are decoded into, to read it on another thread;
    clipboard: one that fetches what is copied by itself.

    picture: what is shown, as it changes; cursor, state, notice: the last that was told, None before.
    Methods that wait raise ViewerClosed when the desktop is not shown any more, and TookTooLong.
    """

    def __init__(
        self,
        gateway: Client,
        desktop: str = "",
        *,
        size: tuple[int, int] | None = None,
        reconnect: bool = False,
        on_event: Callable[[Happening], None] | None = None,
        on_sound: Callable[[Played], None] | None = None,
        session: str = "",
        look: Look | None = None,
        client: str = "tsgateway client",
        abilities: Sequence[int] = (),
        presents: bool = False,
        picture: Picture | None = None,
        clipboard: Clipboard | None = None,
        carrier: str = "auto",
    ) -> None:
        self.picture = picture or Picture()
        self.clipboard = clipboard or Clipboard()
        self.cursor: tsg.Cursor | None = None
        self.state: tsg.State | None = None
        self.notice: tsg.Notice | None = None
        self.pictures = 0
        """Whole pictures so far, of all connections."""
        self.closed: ViewerClosed | None = None
        """Why the desktop is not shown any more; None while it is."""
        self._size = Size(*size) if size else None
        self._on_event = on_event or (lambda event: None)
        self._on_sound = on_sound or (lambda played: None)
        self.hearing = Hearing(wanted=on_sound is not None)
        self._access = Access(gateway, desktop, lambda before: self._on_event(Queued(before)), look)
        self._connections = Connections(
            self._access, Carrier(carrier), converse=self._converse, session=session, reconnect=reconnect,
            happened=self._happened, ended=self._ended,
        )  # fmt: skip
        self._client = client
        self._abilities = [*conversation.ABILITIES, *abilities]
        if importlib.util.find_spec("av"):
            self._abilities += conversation.VIDEOS
        self._presents = presents
        self._failed: ClientError | None = None
        self._waiters: set[asyncio.Future[None]] = set()

    async def open(self) -> None:
        """Start the session, or find it, and connect. Raises ClientError."""
        if self.hearing.wanted:
            asyncio.get_running_loop().run_in_executor(None, sound.load)  # while the desktop starts
        access = self._access
        given = await (access.again(self.session) if self.session else access.first(self._size))
        self._connections.begin(given)
        try:
            await self._until(lambda: self.hello is not None, PATIENCE, "the gateway's hello")
        except ViewerClosed:
            raise self._failed or self.closed or ViewerClosed("The viewer is closed.") from None

    async def close(self) -> None:
        """Leave; the session goes on."""
        await self._connections.close()
        self._ended(CloseCode.NORMAL, "")

    async def __aenter__(self) -> AsyncViewer:
        try:
            await self.open()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def ended(self) -> ViewerClosed:
        """Wait until the desktop is not shown any more, and return why."""
        try:
            await self._until(lambda: False, None, "an end")
        except ViewerClosed as closed:
            return closed
        raise AssertionError("unreachable")

    # ---- what is there

    @property
    def hello(self) -> tsg.ServerHello | None:
        """What the server has said of the session; None while there is no connection."""
        talk = self._connections.talk
        return talk.hello if talk is not None else None

    @property
    def session(self) -> str:
        """The id of the session, "" before it is known."""
        return self._connections.session

    @property
    def received(self) -> int:
        """Bytes that have come over the line, of all connections."""
        return self._connections.received

    @property
    def size(self) -> Size:
        """The screen's size, 0 × 0 before it is known."""
        return self.picture.size

    @property
    def round_trip(self) -> float | None:
        """Seconds that a ping and its answer took last."""
        talk = self._connections.talk
        return talk.round_trip if talk is not None else None

    def pixels(self) -> Pixels:
        """Return a copy of the newest whole picture: (height, width, 4) bytes B, G, R, and any."""
        return self.picture.pixels.copy()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the newest whole picture as a PNG file.

        Raises OSError; ViewerClosed before there is one; ClientError without Pillow (the extra `client`).
        """
        if not self.picture.pixels.size:
            raise self.closed or ViewerClosed("There is no picture yet.")
        try:
            from PIL import Image
        except ImportError:
            raise ClientError("Saving pictures needs Pillow: pip install 'tsgateway[client]'.") from None
        Image.fromarray(self.picture.pixels[:, :, 2::-1]).save(Path(path), "PNG")

    # ---- waiting

    async def wait_for_picture(self, within: float = PATIENCE) -> None:
        """Wait until there is a whole picture."""
        await self._until(lambda: self.pictures > 0, within, "a picture")

    async def wait_for_change(self, since: int | None = None, within: float = PATIENCE) -> None:
        """Wait for a picture after this moment, or after `pictures` was `since`."""
        before = self.pictures if since is None else since
        await self._until(lambda: self.pictures > before, within, "another picture")

    async def wait_until(self, holds: Callable[[Pixels], bool], within: float = PATIENCE) -> None:
        """Wait until something holds of the picture; it is asked of each, and must not keep it."""
        await self._until(
            lambda: self.pictures > 0 and holds(self.picture.pixels), within, "the picture that was expected"
        )

    async def _until(self, holds: Callable[[], bool], within: float | None, what: str) -> None:
        try:
            async with asyncio.timeout(within):
                while not holds():
                    if self.closed is not None:
                        raise ViewerClosed(str(self.closed), self.closed.close_code)
                    waiter = asyncio.get_running_loop().create_future()
                    self._waiters.add(waiter)
                    try:
                        await waiter
                    finally:
                        self._waiters.discard(waiter)
        except TimeoutError:
            state = f" {self.state.text}" if self.state and self.state.text else ""
            raise TookTooLong(f"Within {within:g} s there was not {what}.{state}") from None

    # ---- input

    async def press(self, *combinations: str) -> None:
        """Press keys, and let go of them: `a`, `Return`, `Ctrl+Alt+Delete`. Raises ValueError for others."""
        for combination in [keys.pressed(each) for each in combinations]:
            await self.send(combination)

    async def type(self, text: str) -> None:
        """Type a text; line ends are the key Return."""
        talk = self._connections.talk
        takes_text = talk is not None and talk.can(Capability.TEXT)
        await self.send(keys.typed(text, takes_text=takes_text))

    async def move(self, x: int, y: int) -> None:
        """Move the pointer, in pixels of the screen."""
        await self.send([tsg.Pointer(x, y, 0)])

    async def click(self, x: int, y: int, button: str = "left", times: int = 1) -> None:
        """Press a button and let go: `left`, `middle`, `right`, `back`, `forward`."""
        await self.move(x, y)
        held = keys.BUTTONS[button]
        await self.send([tsg.Pointer(x, y, held), tsg.Pointer(x, y, 0)] * times)

    async def wheel(self, notches: float, across: float = 0) -> None:
        """Turn the wheel where the pointer is; positive is down and right."""
        await self.send([tsg.Wheel(round(120 * across), round(120 * notches))])

    async def resize(self, width: int, height: int) -> None:
        """Ask for another size of the screen; the guest decides."""
        self._size = Size(width, height)
        await self.send([tsg.RequestSize(width, height)])

    # ---- the clipboard

    async def copy(
        self, text: str = "", *, html: str = "", png: bytes = b"", within: float = PATIENCE
    ) -> None:
        """Let programs in the desktop paste this: one content, in up to three forms.

        Raises NoRight where policies forbid it, Refused for what is too large or of no use there.
        """
        clipboard = self.clipboard
        await self._until(lambda: self.hello is not None, within, "a connection")
        if clipboard.may_in:
            await self._until(lambda: bool(clipboard.formats), within, "a clipboard that answers")
        number = self.give(Content(text, html, png))
        await self._until(
            lambda: clipboard.taken == number or clipboard.given != number, within, "the desktop taking it"
        )
        if clipboard.taken != number:
            raise Refused("Something else was copied meanwhile.")

    def give(self, content: Content) -> int:
        """Offer a content without waiting; see `Clipboard.give`. A `Taken` follows."""
        number = self.clipboard.give(content)
        self._connections.flush()
        return number

    async def copied(self, within: float = PATIENCE) -> Content:
        """Return what a program in the desktop has copied last, when there is something.

        Raises NoRight where policies forbid it, ClientError when it cannot be had.
        """
        clipboard = self.clipboard
        await self._until(lambda: self.hello is not None, within, "a connection")
        if not clipboard.may_out:
            raise NoRight("Nothing may be taken from this desktop by the clipboard.")
        await self._until(lambda: clipboard.copy is not None, within, "something that was copied")
        while (copy := clipboard.copy) is not None and clipboard.take():
            self._connections.flush()
            await self._until(partial(clipboard.rests, copy), within, "all that was copied")
        if copy is None or not copy.contents:
            raise ClientError(copy.problem if copy and copy.problem else "What was copied is there no more.")
        return Content.of(copy.contents)

    async def send(self, messages: Iterable[tsg.Message]) -> None:
        """Send messages of the protocol. While there is no connection they are dropped, as any input is."""
        if self.closed is not None:
            raise ViewerClosed(str(self.closed), self.closed.close_code)
        await self._connections.send(messages)

    # ---- sound

    async def listen(self, on: bool) -> None:
        """Hear what the desktop plays (`on_sound`), or no more: then nothing is sent."""
        await self.send(self.hearing.listen(on))

    async def microphone(self, on: bool) -> None:
        """Turn the microphone on, or off. Who turns theirs on takes the place of who spoke before."""
        await self.send(self.hearing.speak(on))

    async def voice(self, samples: bytes) -> None:
        """Say into the desktop's microphone: 16-bit samples, little-endian, one channel, 24,000 a second.

        The server leaves out what comes faster than time passes. While it does not listen, because
        `hearing.microphone` is not OWN, nothing is sent.
        """
        await self.send(self.hearing.voice(samples))

    def presented(self) -> None:
        """The last picture that was `Drawn` is on the screen."""
        connections = self._connections
        if connections.talk is not None:
            connections.take(connections.talk.presented())
            connections.flush()

    # ---- what happens

    def _converse(self, ticket: bytes) -> Conversation:
        return Conversation(
            ticket, self.picture, asyncio.get_running_loop().time, client=self._client, size=self._size,
            capabilities=self._abilities, presents=self._presents,
            clipboard=self.clipboard, hearing=self.hearing,
        )  # fmt: skip

    def _happened(self, events: Iterable[Event | Retrying]) -> None:
        for event in events:
            match event:
                case Played():
                    self._on_sound(event)
                    continue
                case Drawn():
                    self.pictures += 1
                case tsg.Cursor():
                    self.cursor = event
                case tsg.State():
                    self.state = event
                case tsg.Notice():
                    self.notice = event
            self._on_event(event)
        self._wake()

    def _ended(self, code: int | None, reason: str, error: ClientError | None = None) -> None:
        if self.closed is None:
            self._failed = error
            told = reason or _SENTENCES.get(code, "The connection has ended.")
            if code in DISAGREEMENT:
                told = f"This client and the gateway do not understand each other: {told}."
            self.closed = ViewerClosed(told, code)
        self._wake()

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
