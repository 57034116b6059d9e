"""The clipboard, end to end: programs in a real desktop and a real browser, each way, by content.

What the guest has in its clipboard is told by xclip in there.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from PIL import Image

from tests.e2e.agent import Agent
from tests.e2e.browser import missing
from tests.e2e.gateway import RealGateway
from tests.e2e.machine import wait_for
from tests.e2e.office import accessibility
from tests.e2e.pages import until, use_toolbar
from tests.e2e.pasting import AS_USER, TEXT, UTF8, guest_copies, guest_has
from tests.e2e.person import Person
from tests.images_fixture import desktop_image
from tsgateway.client import Client
from tsgateway.client.operations import Redirections

pytestmark = [pytest.mark.qemu, pytest.mark.browser, pytest.mark.slow]

CONFIGURATION = """
[guests.qemu]
accelerator = "tcg"
[desktops.desktop]
title = "Linux desktop"
kind = "qemu"
template = "desktop"
groups = ["users"]
"""
HTML = "<p onclick='document.title = 1'>fett — <b>太字</b></p><script>document.title = 2</script>"
PANEL = ".clipboard:not([hidden])"


@pytest.fixture(scope="module")
def gateway() -> Iterator[RealGateway]:
    made = RealGateway(CONFIGURATION, images=desktop_image().folder.parent, warm=True)
    yield made
    made.stop()


@pytest.fixture(scope="module", params=["chromium", pytest.param("firefox", marks=pytest.mark.long)])
def ada(gateway: RealGateway, request: pytest.FixtureRequest) -> Iterator[Person]:
    if reason := missing(request.param):
        pytest.fail(f"cannot test in {request.param}: {reason}")
    person = Person(gateway, kind=request.param)
    if request.param == "chromium":
        person.browser.permit("clipboard-read", "clipboard-write", "clipboard-sanitized-write")
    person.open("desktop")
    ready(person)
    yield person
    person.list()
    person.stop()


@pytest.fixture(scope="module")
def agent(ada: Person) -> Iterator[Agent]:
    with ada.machine() as machine, Agent(machine.folder) as made:
        yield made


def ready(person: Person) -> None:
    """Wait until the desktop's clipboard takes what is pasted: the panel says so."""
    use_toolbar(person.browser, "Clipboard")
    person.browser.wait(PANEL)
    said = f"document.querySelector({PANEL!r}).innerText"
    person.browser.evaluate(until(f"/Ctrl.V as usual|can paste it/.test({said})"))
    close_panel(person)


def close_panel(person: Person) -> None:
    person.browser.click(f"{PANEL} .details-head button")
    person.browser.wait(".clipboard", gone=True)


def copy(agent: Agent, content: bytes, target: str = UTF8) -> None:
    """Have a program in the guest copy this."""
    guest_copies(agent, f"echo {base64.b64encode(content).decode()} | base64 -d", target)


def browser_has(person: Person, script: str, wanted: Any) -> None:
    """Wait until the browser's clipboard gives this; `item` is its content in the script."""
    read = f"navigator.clipboard.read().then(async ([item]) => {script}).catch(() => null)"
    wait_for(
        lambda: person.browser.evaluate(read) == wanted,
        f"{str(wanted)[:80]}",
        lambda: str(person.browser.evaluate(read))[:300],
    )


def as_text(type: str) -> str:
    return f"(await item.getType({type!r})).text()"


def put(person: Person, content: dict[str, str]) -> None:
    """Have the browser's clipboard hold this, as another page of it would put it there."""
    parts = ", ".join(
        f"{json.dumps(type)}: new Blob([{json.dumps(value)}], {{ type: {json.dumps(type)} }})"
        for type, value in content.items()
    )
    person.browser.evaluate(f"navigator.clipboard.write([new ClipboardItem({{ {parts} }})]).then(() => true)")


def paste_event(person: Person, type: str, value: str) -> None:
    """Have the browser say that this is pasted."""
    person.browser.evaluate(f"""(() => {{
        const clipboardData = new DataTransfer();
        clipboardData.setData({type!r}, {json.dumps(value)});
        const event = new ClipboardEvent("paste", {{ bubbles: true, cancelable: true }});
        Object.defineProperty(event, "clipboardData", {{ value: clipboardData }}); // Firefox takes none
        document.querySelector(".stage").focus();
        document.querySelector(".stage").dispatchEvent(event);
        return true;
    }})()""")


def picture() -> bytes:
    image = Image.new("RGB", (60, 40))
    image.putdata([(x * 4, y * 6, x * y % 256) for y in range(40) for x in range(60)])
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def pixels(png: bytes) -> bytes:
    return Image.open(io.BytesIO(png)).convert("RGB").tobytes()


@pytest.fixture
def reads(ada: Person) -> None:
    """The test reads the browser's clipboard, which Firefox lets nobody do."""
    if ada.browser.kind != "chromium":
        pytest.skip("Firefox asks the person each time a page reads the clipboard")


@pytest.mark.usefixtures("reads")
def test_what_is_copied_in_the_guest_is_in_the_browsers_clipboard(ada: Person, agent: Agent) -> None:
    copy(agent, TEXT.encode())
    browser_has(ada, as_text("text/plain"), TEXT)
    copy(agent, HTML.encode(), "text/html")
    has_bold = "(await (await item.getType('text/html')).text()).includes('<b>太字</b>')"
    browser_has(ada, has_bold, True)
    copy(agent, picture(), "image/png")
    coded = "new Uint8Array(await (await item.getType('image/png')).arrayBuffer()).toBase64?.() ?? btoa("
    coded += "String.fromCharCode(...new Uint8Array(await (await item.getType('image/png')).arrayBuffer())))"
    browser_has(ada, "item.types.includes('image/png')", True)
    got = ada.browser.evaluate(f"navigator.clipboard.read().then(async ([item]) => {coded})")
    assert pixels(base64.b64decode(got)) == pixels(picture())
    assert ada.browser.evaluate("document.title") not in ("1", "2")


@pytest.mark.usefixtures("reads")
def test_what_is_copied_elsewhere_can_be_pasted_after_coming_back(ada: Person, agent: Agent) -> None:
    put(ada, {"text/plain": "von draußen 🙂", "text/html": "<i>von draußen</i>"})
    ada.browser.evaluate("dispatchEvent(new Event('focus'))")
    guest_has(agent, "von draußen 🙂".encode())
    wait_for(
        lambda: "<i>von draußen</i>" in agent.run(f"{AS_USER} xclip -selection clipboard -t text/html -o"),
        "HTML in the guest",
    )


def test_pasted_html_reaches_the_guest_as_it_is_and_is_shown_as_text(ada: Person, agent: Agent) -> None:
    paste_event(ada, "text/html", HTML)
    guest_has(agent, HTML.encode(), "text/html")
    use_toolbar(ada.browser, "Clipboard")
    assert HTML in ada.browser.text(f"{PANEL} pre")
    assert accessibility(ada.browser) == []
    close_panel(ada)
    assert ada.browser.evaluate("document.title") not in ("1", "2")


def test_lines_end_in_the_guest_as_they_do_there(ada: Person, agent: Agent) -> None:
    paste_event(ada, "text/plain", TEXT.replace("\n", "\r\n"))
    guest_has(agent, TEXT.encode())


@pytest.mark.usefixtures("reads")
def test_control_v_pastes_what_was_copied_just_before(ada: Person, agent: Agent) -> None:
    agent.run(f"{AS_USER} setsid mousepad </dev/null >/dev/null 2>&1 &")
    window = f"{AS_USER} xdotool search --onlyvisible --class mousepad windowactivate --sync getwindowname"
    wait_for(lambda: "ousepad" in agent.run(window), "an editor")
    for part in ("eins 🙂 ", "zwei"):
        put(ada, {"text/plain": part})
        ada.browser.evaluate("document.querySelector('.stage').focus(), true")
        ada.browser.paste()  # the key waits for the text: the editor never gets what was there before
        guest_has(agent, part.encode())

    def copies_all() -> bool:
        for key in ("KeyA", "KeyC"):
            ada.browser.down("ControlLeft")
            ada.browser.key(key)
            ada.browser.up("ControlLeft")
        read = "navigator.clipboard.readText().catch(() => '')"
        return bool(ada.browser.evaluate(read) == "eins 🙂 zwei")

    wait_for(copies_all, "both texts in the editor, in their order")
    agent.run("pkill -x mousepad || true")


@contextmanager
def forbidden(gateway: RealGateway, **redirections: bool) -> Iterator[None]:
    """A policy forbids these while the block lasts."""
    with Client.local(gateway.folder / "data/api.sock") as owner:
        made = owner.make_policy(
            name="narrow",
            kind="connection",
            users=["*"],
            redirections=Redirections(**redirections),  # type: ignore[typeddict-item]
        )
        listed = owner.list_policies()["policies"]
        ids = [each["id"] for each in listed if each["policy"]["kind"] == "connection"]
        owner.order_policies(kind="connection", ids=[made["id"], *(id for id in ids if id != made["id"])])
        try:
            yield
        finally:
            owner.remove_policy(made["id"])


@pytest.mark.long
def test_policies_forbid_each_direction_by_itself(ada: Person, agent: Agent, gateway: RealGateway) -> None:
    with forbidden(gateway, clipboard_out=False):
        ada.open("desktop")
        ready(ada)
        use_toolbar(ada.browser, "Clipboard")
        assert "does not allow taking it out" in ada.browser.text(PANEL)
        close_panel(ada)
        paste_event(ada, "text/plain", "hinein")
        guest_has(agent, b"hinein")
    with forbidden(gateway, clipboard_in=False):
        ada.open("desktop")
        copy(agent, b"heraus")
        use_toolbar(ada.browser, "Clipboard")
        ada.browser.evaluate(until(f"document.querySelector({PANEL!r}).innerText.includes('heraus')"))
        assert "does not allow bringing it" in ada.browser.text(PANEL)
        close_panel(ada)
        paste_event(ada, "text/plain", "doch nicht")
    guest_has(agent, b"heraus")
    ada.open("desktop")
    ready(ada)


@pytest.mark.long
@pytest.mark.usefixtures("reads")
def test_ten_megabytes_pass_both_ways(ada: Person, agent: Agent) -> None:
    """Too large to be taken without being asked for: the person does so in the panel."""
    make = 'python3 -c \'print(*(f"{n:015x}" for n in range(655360)), sep="\\n")\''
    agent.run(f"{make} > /tmp/copied; chmod 644 /tmp/copied")
    agent.run(f"{AS_USER} xclip -selection clipboard -i /tmp/copied </dev/null >/dev/null 2>&1")
    text = "\n".join(f"{number:015x}" for number in range(655360)) + "\n"
    use_toolbar(ada.browser, "Clipboard")
    ada.browser.click(f"{PANEL} [data-key=take]")
    digest = "crypto.subtle.digest('SHA-256', await (await item.getType('text/plain')).arrayBuffer())"
    as_hex = f"[...new Uint8Array(await {digest})].map((one) => one.toString(16).padStart(2, '0')).join('')"
    browser_has(ada, as_hex, hashlib.sha256(text.encode()).hexdigest())
    close_panel(ada)
    back = "Array.from({ length: 655360 }, (_, n) => n.toString(16).padStart(15, '1')).join('\\n')"
    ada.browser.evaluate(f"""(() => {{
        const clipboardData = new DataTransfer();
        clipboardData.setData("text/plain", {back});
        const event = new ClipboardEvent("paste", {{ bubbles: true, cancelable: true }});
        Object.defineProperty(event, "clipboardData", {{ value: clipboardData }}); // Firefox takes none
        document.querySelector(".stage").focus();
        document.querySelector(".stage").dispatchEvent(event);
        return true;
    }})()""")
    guest_has(agent, "\n".join(f"{number:1>15x}" for number in range(655360)).encode())
