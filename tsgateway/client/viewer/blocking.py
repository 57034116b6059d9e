"""The same viewer for programs without an event loop.

with Viewer(gateway, "work") as viewer:
    viewer.wait_for_picture()
    viewer.type("hello\\n")
    viewer.save("work.png")
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tsgateway.client.client import Client
from tsgateway.client.viewer.access import Look
from tsgateway.client.viewer.clipboard import Content
from tsgateway.client.viewer.decode import Pixels
from tsgateway.client.viewer.desktop import PATIENCE, AsyncViewer, Happening
from tsgateway.client.viewer.sound import Played

Result = TypeVar("Result")


class Viewer:
    """An `AsyncViewer` on a thread of its own, which keeps it connected whatever the program does meanwhile.

    Methods do and raise what those of AsyncViewer do. Functions that are given are called on that thread.
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
        carrier: str = "auto",
        session: str = "",
        look: Look | None = None,
    ) -> None:
        self.viewer = AsyncViewer(
            gateway, desktop, size=size, reconnect=reconnect, on_event=on_event, on_sound=on_sound,
            carrier=carrier, session=session, look=look,
        )  # fmt: skip
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Start the session, or find it, and connect."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=_run, args=(self._loop,), name="viewer", daemon=True)
        self._thread.start()
        try:
            self._do(self.viewer.open())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Leave; the session goes on."""
        if self._loop is not None and self._thread is not None:
            self._do(self.viewer.close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop = self._thread = None

    def __enter__(self) -> Viewer:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the screen; 0, 0 before it is known."""
        return self.viewer.size

    @property
    def pictures(self) -> int:
        """Whole pictures so far."""
        return self.viewer.pictures

    @property
    def session(self) -> str:
        """The session's id."""
        return self.viewer.session

    def pixels(self) -> Pixels:
        """Return a copy of the newest whole picture."""
        return self._do(_soon(self.viewer.pixels))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the newest whole picture as a PNG file."""
        self._do(_soon(lambda: self.viewer.save(path)))

    def wait_for_picture(self, within: float = PATIENCE) -> None:
        """Wait until there is a whole picture."""
        self._do(self.viewer.wait_for_picture(within))

    def wait_for_change(self, since: int | None = None, within: float = PATIENCE) -> None:
        """Wait for another picture."""
        self._do(self.viewer.wait_for_change(since, within))

    def wait_until(self, holds: Callable[[Pixels], bool], within: float = PATIENCE) -> None:
        """Wait until something holds of the picture."""
        self._do(self.viewer.wait_until(holds, within))

    def press(self, *combinations: str) -> None:
        """Press keys, and let go of them."""
        self._do(self.viewer.press(*combinations))

    def type(self, text: str) -> None:
        """Type a text."""
        self._do(self.viewer.type(text))

    def move(self, x: int, y: int) -> None:
        """Move the pointer."""
        self._do(self.viewer.move(x, y))

    def click(self, x: int, y: int, button: str = "left", times: int = 1) -> None:
        """Press a button and let go."""
        self._do(self.viewer.click(x, y, button, times))

    def wheel(self, notches: float, across: float = 0) -> None:
        """Turn the wheel."""
        self._do(self.viewer.wheel(notches, across))

    def resize(self, width: int, height: int) -> None:
        """Ask for another size of the screen."""
        self._do(self.viewer.resize(width, height))

    def copy(self, text: str = "", *, html: str = "", png: bytes = b"", within: float = PATIENCE) -> None:
        """Let programs in the desktop paste this."""
        self._do(self.viewer.copy(text, html=html, png=png, within=within))

    def copied(self, within: float = PATIENCE) -> Content:
        """Return what a program in the desktop has copied last."""
        return self._do(self.viewer.copied(within))

    def listen(self, on: bool) -> None:
        """Hear what the desktop plays, or no more."""
        self._do(self.viewer.listen(on))

    def microphone(self, on: bool) -> None:
        """Turn the microphone on, or off."""
        self._do(self.viewer.microphone(on))

    def voice(self, samples: bytes) -> None:
        """Say something into the desktop's microphone."""
        self._do(self.viewer.voice(samples))

    def _do(self, what: Coroutine[Any, Any, Result]) -> Result:
        if self._loop is None:
            what.close()
            raise RuntimeError("this viewer is not open")
        return asyncio.run_coroutine_threadsafe(what, self._loop).result()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


async def _soon(what: Callable[[], Result]) -> Result:
    return what()
