"""Messages that somebody sends to the people of a session: shown in a window, read, and answered for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sessions.dialogs import Dialogs, Outcome
from sessions.told import Told
from sessions.wire.fields import clip
from sessions.wire.tsg import MAX_DIALOG, DialogKind

MAX_OPEN = 8
"""Messages that a session's people may not have read yet."""
MAX_SECONDS = 86_400
MAX_SENDER = 128
MAX_TITLE = 256


class MessageRefused(Exception):
    """A message is not shown; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Note:
    """A message. id: the sender's name for it. seconds: see `tsg.Dialog`. ask: whether to tell the answer."""

    id: str
    sender: str
    title: str
    text: str
    seconds: int
    ask: bool

    @classmethod
    def read(cls, params: Mapping[str, Any]) -> Note:
        """Take the parameters of the link's `message`. Raises KeyError, ValueError for malformed ones."""
        seconds = int(params["seconds"])
        text = str(params["text"])
        if not 0 <= seconds <= MAX_SECONDS or len(text.encode(errors="replace")) > MAX_DIALOG:
            raise ValueError(f"a message of {len(text)} characters for {seconds} s")
        sender, title = clip(str(params["sender"]), MAX_SENDER), clip(str(params["title"]), MAX_TITLE)
        return cls(str(params["id"]), sender, title, clip(text, MAX_DIALOG), seconds, bool(params["ask"]))


class Messages:
    """The messages of one session. told: the event `message_answered` goes there."""

    def __init__(self, session: str, dialogs: Dialogs, told: Told) -> None:
        self._session = session
        self._dialogs = dialogs
        self._told = told
        self._unread = 0

    def show(self, note: Note) -> None:
        """Show it. Raises MessageRefused when too many are unread."""
        if self._unread >= MAX_OPEN:
            raise MessageRefused(f"{MAX_OPEN} messages are unread in this session already.")
        self._unread += 1

        def read(outcome: Outcome) -> None:
            self._unread -= 1
            self._say(note, outcome)

        words = (note.sender, note.title, note.text)
        if self._dialogs.ask(DialogKind.MESSAGE, words, note.seconds, read) is None:
            read(Outcome.DISCONNECTED)

    def _say(self, note: Note, outcome: Outcome) -> None:
        if note.ask:
            # Whoever puts a message away has seen it, by whichever button.
            answer = Outcome.OK if outcome is Outcome.REFUSED else outcome
            self._told("message_answered", {"session": self._session, "id": note.id, "answer": str(answer)})
