"""A real browser for tests: `Browser` talks to browser.mjs, which drives Chromium or Firefox.

Debian's packages `chromium`, `firefox-esr` and `nodejs`, and `npm ci` in this folder, are what it needs.
"""

from __future__ import annotations

import base64
import json
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
EXECUTABLES = {"chromium": "chromium", "firefox": "firefox-esr"}
TIMEOUT = 200.0


class BrowserError(Exception):
    """The browser could not be started, or a command failed."""


def missing(kind: str) -> str | None:
    """What has to be installed before `Browser(kind)` works, or None."""
    for program in ("node", EXECUTABLES[kind]):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if not (HERE / "node_modules" / "puppeteer-core").is_dir():
        return "puppeteer-core is missing: run npm ci in tests/e2e"
    return None


class Browser:
    """One browser with one page. Every method raises BrowserError when the browser refuses.

    inside: a command that runs others, in another network namespace for instance. voice: a WAV file that its
    microphone hears again and again, without anybody being asked (Chromium).
    """

    def __init__(self, kind: str = "chromium", inside: Sequence[str] = (), voice: Path | None = None) -> None:
        if reason := missing(kind):
            raise BrowserError(reason)
        self.kind = kind
        self._profile = tempfile.TemporaryDirectory(prefix="tsgateway-browser-", ignore_cleanup_errors=True)
        executable = str(shutil.which(EXECUTABLES[kind]))
        self._process = subprocess.Popen(
            [
                *inside,
                "node",
                str(HERE / "browser.mjs"),
                kind,
                executable,
                self._profile.name,
                *([] if voice is None else [str(voice)]),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._complaints: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._read_complaints, daemon=True).start()
        self._id = 0
        self.version: str = self._answer(0)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(json.loads(line))
        self._answers.put(None)

    def _read_complaints(self) -> None:
        assert self._process.stderr is not None
        self._complaints.extend(self._process.stderr)

    def _answer(self, number: int) -> Any:
        try:
            answer = self._answers.get(timeout=TIMEOUT)
        except queue.Empty:
            raise BrowserError(f"{self.kind} does not answer") from None
        if answer is None or answer["id"] != number:
            raise BrowserError(f"{self.kind} has gone: {''.join(self._complaints)[-2000:]}")
        if "error" in answer:
            raise BrowserError(answer["error"])
        return answer["result"]

    def _do(self, name: str, **values: Any) -> Any:
        assert self._process.stdin is not None
        self._id += 1
        try:
            self._process.stdin.write(json.dumps({"id": self._id, "do": name, **values}) + "\n")
            self._process.stdin.flush()
        except OSError:
            pass  # the answer tells why
        return self._answer(self._id)

    def stop(self) -> None:
        """End the browser."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._profile.cleanup()

    def open(self, url: str) -> None:
        """Load a page. The certificate of a server is not checked."""
        self._do("open", url=url)

    def reload(self) -> None:
        """Load the page anew."""
        self._do("reload")

    @property
    def address(self) -> str:
        """The page's URL."""
        return str(self._do("address"))

    def click(self, selector: str) -> None:
        """Click the first element that matches, once it stands still and nothing lies over it."""
        self._do("click", selector=selector)

    def wait(self, selector: str, *, gone: bool = False) -> None:
        """Wait until an element is visible, or is not."""
        self._do("wait", selector=selector, gone=gone)

    def type(self, text: str, selector: str | None = None) -> None:
        """Type characters on a US keyboard as fast as the browser takes them, into `selector` if given."""
        self._do("type", text=text, selector=selector)

    def key(self, key: str) -> None:
        """Press and release a key by its name, such as Enter or KeyA."""
        self._do("key", key=key)

    def down(self, key: str) -> None:
        """Press a key."""
        self._do("down", key=key)

    def up(self, key: str) -> None:
        """Release a key."""
        self._do("up", key=key)

    def paste(self) -> None:
        """Press Control+V."""
        self._do("paste")

    def permit(self, *permissions: str) -> None:
        """Let the page do what people would be asked for, such as clipboard-read (Chromium)."""
        self._do("permit", permissions=permissions)

    def insert(self, text: str) -> None:
        """Insert text as an input method does: an input event without keys (Chromium)."""
        self._do("insert", text=text)

    def compose(self, *steps: str, text: str) -> None:
        """Compose as an input method does: it shows each of the steps, then commits the text (Chromium)."""
        self._do("compose", steps=steps, text=text)

    def move(self, x: float, y: float, steps: int = 1) -> None:
        """Move the mouse, in CSS pixels."""
        self._do("move", x=x, y=y, steps=steps)

    def press(self, button: str = "left") -> None:
        """Press a mouse button: left, middle, right, back, forward."""
        self._do("press", button=button)

    def release(self, button: str = "left") -> None:
        """Release a mouse button."""
        self._do("release", button=button)

    def wheel(self, dy: float, dx: float = 0) -> None:
        """Turn the wheel, in CSS pixels."""
        self._do("wheel", dx=dx, dy=dy)

    def tap(self, x: float, y: float) -> None:
        """Tap with a finger (after `viewport(mobile=True)`)."""
        self._do("tap", x=x, y=y)

    def touch(self, *steps: Sequence[tuple[float, float]]) -> None:
        """Touch with fingers, whose places each step tells; then lift them (Chromium, mobile viewport)."""
        self._do("touch", steps=steps)

    def composing(self, text: str) -> None:
        """Begin to compose, or go on with it, and leave it so (Chromium)."""
        self._do("composing", text=text)

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression, promises awaited."""
        return self._do("evaluate", script=script)

    def text(self, selector: str) -> str:
        """The visible text of an element, once it is visible."""
        return str(self._do("text", selector=selector))

    def choose(self, selector: str, *paths: Path) -> None:
        """Choose files for an input."""
        self._do("choose", selector=selector, paths=[str(path) for path in paths])

    def downloads(self, folder: Path) -> None:
        """Have what is downloaded from now on in a folder (Chromium)."""
        self._do("downloads", folder=str(folder))

    def screenshot(self, path: Path | str) -> None:
        """Save the page as a PNG file."""
        self._do("screenshot", path=str(path))

    def viewport(self, width: int, height: int, scale: float = 1, *, mobile: bool = False) -> None:
        """Set the window's inside size in CSS pixels, and device pixels per CSS pixel."""
        self._do("viewport", width=width, height=height, scale=scale, mobile=mobile)

    @property
    def held(self) -> tuple[int, int]:
        """How many nodes and event listeners the page holds, after a garbage collection (Chromium)."""
        nodes, listeners = self._do("held")
        return nodes, listeners

    def scheme(self, scheme: str) -> None:
        """Prefer "light" or "dark"."""
        self._do("scheme", scheme=scheme)

    def offline(self, offline: bool) -> None:
        """Take the network away or give it back (Chromium)."""
        self._do("offline", offline=offline)

    @property
    def log(self) -> list[str]:
        """What the page wrote to its console, and its uncaught errors."""
        return list(self._do("log"))

    def canvas(self, selector: str = "canvas.screen") -> tuple[int, int, bytes]:
        """Width, height and R, G, B, A bytes of what a canvas shows.

        A page reads a canvas of a worker by asking that worker. When Firefox gets no answer in time, it
        reads nothing and says nothing: all is transparent, which the client's canvas never is, and what is
        on the screen stays. So nothing is no picture, and the canvas is read again.
        """
        script = f"""(async () => {{
            const shown = document.querySelector({json.dumps(selector)});
            const read = () => {{
                const copy = new OffscreenCanvas(shown.width, shown.height);
                const context = copy.getContext("2d", {{ willReadFrequently: true }});
                context.drawImage(shown, 0, 0);
                return context.getImageData(0, 0, copy.width, copy.height);
            }};
            let copy = read();
            for (let tries = 0; tries < 40 && copy.data[3] === 0; tries += 1) {{
                await new Promise((go) => setTimeout(go, 50));
                copy = read();
            }}
            const data = copy.data;
            const parts = [];
            for (let at = 0; at < data.length; at += 30000)
                parts.push(btoa(String.fromCharCode(...data.subarray(at, at + 30000))));
            return [copy.width, copy.height, parts];
        }})()"""
        width, height, parts = self.evaluate(script)
        return width, height, b"".join(base64.b64decode(part) for part in parts)
