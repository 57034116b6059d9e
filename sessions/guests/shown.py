"""What guests have in common that are only shown: there is nothing to start, and their displays are all.

They end with their displays and cannot end by themselves.
"""

from __future__ import annotations

from weakref import WeakSet

from sessions.clipboard.base import GuestClipboard
from sessions.displays.base import Display


class OnlyShown:
    """The part of a guest (see base.py) that knows its displays and lets go of them."""

    def __init__(self) -> None:
        self._displays: WeakSet[Display] = WeakSet()

    def _keep(self, display: Display) -> Display:
        """Note a display that was opened, to be closed at the end if it is still there."""
        self._displays.add(display)
        return display

    async def adopt(self) -> None:
        """Do nothing: there is nothing that an earlier process could have left running."""

    @property
    def clipboard(self) -> GuestClipboard | None:
        """There is none, unless the kind of guest has one."""
        return None

    @property
    def services(self) -> None:
        """Nothing runs in there that could be asked."""

    @property
    def sound(self) -> None:
        """Nothing of what is shown can be heard."""

    @property
    def share(self) -> None:
        """Nothing runs in there that could show a folder."""

    async def shut_down(self, seconds: float) -> None:
        """Do nothing: whatever is shown is not ours to shut down."""

    async def stop(self) -> None:
        """Close the displays."""
        for display in list(self._displays):
            display.close()

    async def detach(self) -> None:
        """Close the displays."""
        await self.stop()
