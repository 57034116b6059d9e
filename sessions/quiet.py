"""What comes when nothing happens: a session that nobody uses falls Idle, a screen nobody looks at rests."""

from __future__ import annotations

import time
from typing import Protocol

from sessions.clock import Clock, Timer
from sessions.lifecycle import ATTENDED
from sessions.wire.tsg import SessionState

IDLE_SECONDS = 600.0
REST_SECONDS = 5.0
"""So long after the last viewer has gone its screen is kept, for the next picture to be there at once."""


class Quieted(Protocol):
    """What comes of it."""

    def fall_idle(self) -> None:
        """There has been no input for long enough."""

    def rest(self) -> bool:
        """Let the screen rest if nobody looks. Tell whether this is settled; else it is asked again later."""


class Quiet:
    """The quiet of one session. idle: seconds without input after which it is Idle."""

    def __init__(self, clock: Clock, idle: float, quieted: Quieted) -> None:
        self._clock = clock
        self._idle = idle
        self._quieted = quieted
        self._state = SessionState.STARTING
        self._input_at = 0.0
        self._timer: Timer | None = None

    def went(self, state: SessionState) -> None:
        """The session is in another state now."""
        self.stop()
        self._state = state
        if state in (SessionState.CONNECTED, SessionState.ACTIVE):
            self.heard()
        if state is SessionState.ACTIVE:
            self._await_input()
        elif state is SessionState.DISCONNECTED:
            self.nobody_looks()

    def heard(self) -> None:
        """There was input."""
        self._input_at = self._clock.seconds()

    @property
    def since(self) -> float:
        """When there was input last (Unix time); 0 while nobody is connected."""
        return time.time() - (self._clock.seconds() - self._input_at) if self._state in ATTENDED else 0.0

    def nobody_looks(self) -> None:
        """The last one who looked has gone."""
        if self._state is SessionState.DISCONNECTED:
            self.stop()
            self._timer = self._clock.callLater(REST_SECONDS, self._rest)

    def stop(self) -> None:
        """Wait for nothing any more, until the next state."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _await_input(self) -> None:
        """Fall Idle when there has been no input for long enough, else look again then."""
        wait = self._input_at + self._idle - self._clock.seconds()
        if wait > 0:
            self._timer = self._clock.callLater(wait, self._await_input)
        else:
            self._quieted.fall_idle()

    def _rest(self) -> None:
        if not self._quieted.rest():
            self._timer = self._clock.callLater(REST_SECONDS, self._rest)
