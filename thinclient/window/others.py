"""Sessions of other people, for whom a role lets look on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from thinclient.listing import Other
from thinclient.window.parts import button, label

STATES = {
    "starting": "starts", "active": "in use", "connected": "open", "idle": "open, nobody at work",
    "disconnected": "runs, not shown anywhere",
}  # fmt: skip


def others_card(others: Sequence[Other], looks: Callable[[str, bool], object]) -> QFrame:
    """Return a card with a line for each. looks: is called with a session's id, and whether to control."""
    made = QFrame()
    made.setObjectName("card")
    layout = QVBoxLayout(made)
    layout.setContentsMargins(18, 14, 18, 14)
    layout.setSpacing(8)
    layout.addWidget(label("Sessions of others", "subtitle"))
    for other in others:
        layout.addWidget(_line(other, looks))
    return made


def _line(other: Other, looks: Callable[[str, bool], object]) -> QWidget:
    line, session = QWidget(), other.session
    layout = QHBoxLayout(line)
    layout.setContentsMargins(0, 0, 0, 0)
    state = STATES.get(session["state"], session["state"])
    whose = f"{session['user']} · {session['title']} · session {session['number']} · {state}"
    layout.addWidget(label(whose), 1)
    for allowed, text, controls in (
        (other.controls, "Control", True),
        (other.views, "Look on", False),
    ):
        if allowed:
            made = button(text, partial(looks, session["id"], controls))
            made.setAccessibleName(f"{text}: {session['user']}, session {session['number']}")
            layout.addWidget(made)
    return line
