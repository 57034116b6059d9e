"""What the server says to people is known to the browser client, which says it in their language."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sessions.guests.qemu.endings import Ending
from sessions.host.server import DISCONNECTED, LOGGED_OFF, RESET
from sessions.limits import Limit, farewell, notice
from sessions.rules import AtLimit, Rules
from tsgateway import inviting
from tsgateway.access.watch import ENDS, OVER
from tsgateway.admittance import UNINVITED

ROOT = Path(__file__).parents[2]
LANGUAGES = sorted(path.stem for path in (ROOT / "webclient/strings/told").glob("*.js"))
RULES = [
    Rules(idle_minutes=minutes, active_minutes=minutes, disconnected_minutes=minutes, at_limit=at_limit)
    for minutes in (0.5, 1, 5, 120)
    for at_limit in AtLimit
]
SENTENCES = {
    ENDS,
    OVER.format(reference="7K3-QX2"),
    *DISCONNECTED.values(),
    *LOGGED_OFF.values(),
    *RESET.values(),
    *(farewell(limit, rules) for limit in Limit for rules in RULES),
    *(notice(limit, rules) for limit in (Limit.IDLE, Limit.ACTIVE) for rules in RULES),
    UNINVITED,
    inviting.OVER,
    inviting.ENDED,
    inviting.DENIED,
    inviting.FORBIDDEN,
    inviting.SIGN_IN,
    *(Ending().sentence(code) for code in (0, 1, -9, -11)),
    f"{Ending().sentence(-9)} It is started again.",
    "Ada Lovelace does not allow it.",
    "ada is asked to allow it.",
    "ada has ended it.",
    "ada is not connected now. The invitation is good while ada is; try again later.",
    "This desktop is in use in another place: by ada, for less than a minute.",
    "This desktop is in use in another place: by ada, for 12 minutes, with Firefox on Windows.",
}


def node(script: str) -> Any:
    ran = subprocess.run(
        ["node", "--input-type=module", "-e", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(ran.stdout)


def spoken(language: str, sentences: list[str]) -> list[str]:
    """What a client of this language makes of these sentences."""
    said = node(
        'import { compiled, spoken } from "./webclient/session/reasons.js";'
        f'import told from "./webclient/strings/told/{language}.js";'
        f"const table = compiled(told); console.log(JSON.stringify({json.dumps(sentences)}.map("
        "(text) => spoken(text, table))))"
    )
    assert isinstance(said, list)
    return said


def table(language: str) -> dict[str, Any]:
    said = node(
        f'import told from "./webclient/strings/told/{language}.js"; console.log(JSON.stringify(told))'
    )
    assert isinstance(said, dict)
    return said


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_client_says_every_sentence_in_its_language(language: str) -> None:
    sentences = sorted(SENTENCES)
    said = dict(zip(sentences, spoken(language, sentences), strict=True))
    unknown = [text for text, own in said.items() if own == text or "undefined" in own or "{" in own]
    assert unknown == [], f"webclient/strings/told/{language}.js lacks them"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_not_known_is_said_as_it_came(language: str) -> None:
    strange = ["Of a later version.", "", "ada", "The guest was shut down.\nand more"]
    assert spoken(language, strange) == strange
    assert spoken(language, ["What nobody knows. It is started again."])[0].startswith("What nobody knows.")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_one_that_the_server_says(language: str) -> None:
    """So that none is left behind when the server's words change."""
    source = "\n".join(
        path.read_text() for package in ("sessions", "tsgateway") for path in (ROOT / package).rglob("*.py")
    )
    source = re.sub(r"\"\s*\n\s*f?\"", "", source)  # sentences over several lines
    made = "\n".join(SENTENCES)
    for english, own in table(language)["sentences"].items():
        fixed = re.split(r"\{\w+\}", english)
        pattern = r"[^\n\"]{0,200}?".join(map(re.escape, fixed))
        assert re.search(pattern, source) or re.search(pattern, made), english
        places = set(re.findall(r"\{\w+\}", english))
        assert set(re.findall(r"\{\w+\}", own)) == places, english
