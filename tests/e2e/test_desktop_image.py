"""The desktop that `tsgateway image build desktop` makes, used in a browser as people use it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.e2e.agent import Agent
from tests.e2e.gateway import RealGateway
from tests.e2e.hearing import hears, hears_nothing, listen, voice_file
from tests.e2e.layouts import SENTENCES, press, strokes
from tests.e2e.machine import Machine, wait_for
from tests.e2e.pages import choose, use_toolbar
from tests.e2e.person import Person
from tests.held_up import held_up
from tests.images_fixture import desktop_image
from tests.sessions.guests.qemu import sounds

pytestmark = [pytest.mark.qemu, pytest.mark.browser, pytest.mark.slow]

CONFIGURATION = """
[guests.qemu]
accelerator = "tcg"
[desktops.desktop]
title = "Linux desktop"
description = "A desktop of your own in a virtual machine"
kind = "qemu"
template = "desktop"
groups = ["users"]
"""
VOICE = 660
"""Hertz of what the person says."""
PANEL = 0x1D222C  # images/desktop: tint2rc
PANEL_ROWS = 44
MENU, TERMINAL = 25, 140
"""Where the menu's and the terminal's buttons stand in the panel, pixels from the left."""


@pytest.fixture(scope="module")
def gateway() -> Iterator[RealGateway]:
    made = RealGateway(CONFIGURATION, images=desktop_image().folder.parent, warm=True)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def ada(gateway: RealGateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    person = Person(gateway, voice=voice_file(tmp_path_factory.mktemp("voice"), VOICE))
    person.browser.viewport(1280, 800)
    person.open("desktop")
    yield person
    person.list()
    person.stop()


@pytest.fixture(scope="module")
def machine(ada: Person) -> Iterator[Machine]:
    with ada.machine() as made:
        yield made


@pytest.fixture(scope="module")
def agent(machine: Machine) -> Iterator[Agent]:
    with Agent(machine.folder) as made:
        yield made


ACTIVE = "runuser -u user -- env DISPLAY=:0 HOME=/home/user xdotool getactivewindow getwindowname"


def has_panel(screen: np.ndarray, width: int, height: int) -> bool:
    """Whether the panel stands at the lower edge, and only there."""
    if screen.shape != (height, width):
        return False
    near = screen == PANEL
    return bool(near[-PANEL_ROWS:].mean() > 0.8 and near[: height // 2].mean() < 0.2)


def click(person: Person, x: float, y: float) -> None:
    person.browser.move(x, y)
    person.browser.press()
    person.browser.release()


def says(agent: Agent, script: str, wanted: str) -> None:
    wait_for(
        lambda: agent.run(script).strip() == wanted, f"{script} says {wanted}", lambda: agent.run(script)
    )


def test_the_panel_stands_and_opens_its_menu(ada: Person) -> None:
    wait_for(lambda: has_panel(ada.shown(), 1280, 800), "the panel")
    before = ada.shown()

    def opened() -> bool:
        changed = (ada.shown() != before)[430:740, 20:240]
        return bool(changed.mean() > 0.8)

    click(ada, MENU, 800 - PANEL_ROWS / 2)
    wait_for(opened, "the menu opens over the panel's left end")
    ada.browser.key("Escape")
    wait_for(lambda: not opened(), "and closes")


def test_the_panel_did_not_start_again_for_the_first_viewer(ada: Person, agent: Agent) -> None:
    """A panel that starts again loses clicks: the viewer's wish must not be news to the guest."""
    said = agent.run("journalctl -b --output=short-monotonic | grep 'tint2: xRandr: Linking'")
    # The machine that this one is a clone of is called "desktop"; clones get a name of their own.
    assert not [line for line in said.splitlines() if "] desktop " not in line], said
    assert "1280x800" in said


@pytest.mark.parametrize(
    ("width", "height"), [(1920, 1080), (1024, 700), pytest.param(1366, 768, marks=pytest.mark.long)]
)
def test_the_desktop_follows_the_window(ada: Person, width: int, height: int) -> None:
    ada.browser.viewport(width, height)
    wait_for(lambda: has_panel(ada.shown(), width, height), "the panel at the new lower edge")


def test_a_change_that_nobody_hears_of_is_followed_all_the_same(ada: Person, agent: Agent) -> None:
    """The kernel may say too early that the host wants another size; then the guest looks once more."""
    agent.run("pkill -STOP -x udevadm")
    try:
        ada.browser.viewport(1100, 750)
        wait_for(lambda: has_panel(ada.shown(), 1100, 750), "the panel at the new lower edge")
    finally:
        agent.run("pkill -CONT -x udevadm")


def test_the_terminal_opens(ada: Person, agent: Agent) -> None:
    ada.browser.viewport(1280, 800)
    wait_for(lambda: has_panel(ada.shown(), 1280, 800), "the panel")
    click(ada, TERMINAL, 800 - PANEL_ROWS / 2)
    says(agent, ACTIVE, "LXTerminal")
    says(agent, "pgrep -x bash >/dev/null && echo there", "there")


def test_commands_and_text_of_any_script_are_typed_into_the_terminal(ada: Person, agent: Agent) -> None:
    ada.browser.type("echo it works > typed")
    ada.browser.key("Enter")
    says(agent, "cat /home/user/typed", "it works")

    ada.browser.type("cat > text")
    ada.browser.key("Enter")
    says(agent, "pgrep -x cat >/dev/null && echo there", "there")
    choose(ada.browser, "Keyboard", "[role=menuitem]")
    ada.browser.type("é日本語、こんにちは", ".textbox textarea")
    ada.browser.key("Enter")
    ada.browser.key("Escape")
    ada.browser.evaluate("document.querySelector('.stage').focus()")
    ada.browser.key("Enter")  # a key, which must not come before the text
    says(agent, "cat /home/user/text", "é日本語、こんにちは")


@pytest.mark.parametrize(
    "layout",
    [pytest.param(name, marks=[] if name in ("de", "fr") else pytest.mark.long) for name in SENTENCES],
)
def test_keys_of_other_countries_type_what_is_printed_on_them(ada: Person, agent: Agent, layout: str) -> None:
    """The guest has the keyboard's layout, so places say all: umlauts, AltGr, dead keys, keys of Japan."""
    says(agent, f"runuser -u user -- env DISPLAY=:0 setxkbmap {layout} && echo set", "set")
    press(ada.browser, strokes(layout, SENTENCES[layout] + "\n"))
    says(agent, "tail -n 1 /home/user/text", SENTENCES[layout])


@pytest.mark.long
@pytest.mark.parametrize("layout", ["us", "jp"])
def test_who_types_fast_loses_no_key_while_the_desktop_is_held_up(
    ada: Person, machine: Machine, agent: Agent, layout: str
) -> None:
    says(agent, f"runuser -u user -- env DISPLAY=:0 setxkbmap {layout} && echo set", "set")
    (processor,) = machine.execute("query-cpus-fast")
    lines = [f"{number} {SENTENCES[layout]}" for number in range(5)]
    with ThreadPoolExecutor(1) as pool:  # one and the same thread stops and starts it
        stopping = pool.submit(held_up, processor["thread-id"])
        for line in lines:
            press(ada.browser, strokes(layout, line + "\n"))
        stopping.result()
    says(agent, f"tail -n {len(lines)} /home/user/text", "\n".join(lines))


@pytest.mark.long
def test_what_the_desktop_plays_is_heard(ada: Person, agent: Agent) -> None:
    listen(ada.browser)
    for hertz in (440, 880):
        agent.run(f"python3 - /tmp/tone.wav {hertz}:60 <<'END'\n{sounds.WRITE}\nEND")
        agent.run(f"setsid {sounds.AS_USER} pw-play /tmp/tone.wav >/dev/null 2>&1 &")
        hears(ada.browser, hertz)
        agent.run("pkill -x pw-play")
        hears_nothing(ada.browser)


@pytest.mark.long
def test_the_person_is_heard_in_the_desktop(ada: Person, agent: Agent) -> None:
    use_toolbar(ada.browser, "Sound")
    ada.browser.click(".sound-controls .button")
    agent.run(sounds.RECORD)
    ada.browser.click(".sound-controls .button")
    heard = float(agent.run(f"python3 - /tmp/voice.wav <<'END'\n{sounds.PITCH}\nEND"))
    assert abs(heard - VOICE) < 20
    ada.browser.key("Escape")
