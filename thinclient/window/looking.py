"""Who else sees a screen: others who look on at this one, or this window at somebody else's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sessions.wire import tsg
from sessions.wire.tsg import ShadowState
from thinclient.window.link import Link
from thinclient.window.strip import Strip
from tsgateway.client.viewer import Look


@dataclass(frozen=True, slots=True)
class Looking:
    """A session of somebody else's, by id or number, and how it is looked at."""

    session: str
    look: Look


class Shadows:
    """The strip that says so, with what ends it. look: how this window looks on, None for one's own."""

    def __init__(self, link: Link, look: Look | None, leave: Callable[[], object]) -> None:
        self._link = link
        self._look = look
        self._leave = leave
        self._there: dict[int, tsg.Shadow] = {}
        self.strip = Strip("Stop", self._stop)

    def told(self, shadow: tsg.Shadow) -> None:
        """Somebody looks on from now on, or no more; who looks on is told once, of whom it is."""
        if self._look is not None:
            self.strip.tell(_of_other(shadow), acts=True)
            return
        if shadow.state == ShadowState.OVER:
            self._there.pop(shadow.id, None)
        else:
            self._there[shadow.id] = shadow
        self.strip.tell(_of_this(list(self._there.values())), warns=True, acts=True)

    def forget(self) -> None:
        """The connection has ended."""
        self._there.clear()
        self.strip.tell("")

    def _stop(self) -> None:
        if self._look is not None:
            self._leave()
        else:
            self._link.say(*(tsg.StopShadow(number) for number in self._there))


def _of_other(shadow: tsg.Shadow) -> str:
    if shadow.state == ShadowState.CONTROL:
        return f"You see the screen of {shadow.who}, and can use keyboard and pointer."
    return f"You look on at the screen of {shadow.who}."


def _of_this(shadows: list[tsg.Shadow]) -> str:
    if not shadows:
        return ""
    who = " and ".join(each.who for each in shadows)
    uses = any(each.state == ShadowState.CONTROL for each in shadows)
    sees = "see" if len(shadows) > 1 else "sees"
    return f"{who} {sees} this screen{' and can use keyboard and pointer' if uses else ''}."
