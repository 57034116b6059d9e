"""The ledger of held keys: a viewer that leaves lets go of every key and button it holds."""

from __future__ import annotations

from sessions.input.events import Button, InputEvent, Key, Move, Pointer

MAX_HELD = 32
"""Keys one viewer can hold; nobody has more fingers, and further presses are not passed on."""


class Ledger:
    """What one viewer holds down."""

    def __init__(self) -> None:
        self._keys: dict[tuple[int, int], Key] = {}
        self._pointer: Pointer | Move = Pointer(0, 0, Button(0))

    def passes(self, event: InputEvent) -> bool:
        """Take note of an event; False for one that must not reach the guest.

        A release without a press is not passed on: its press was made elsewhere, or not at all.
        """
        if isinstance(event, Pointer | Move):
            self._pointer = event
        if not isinstance(event, Key):
            return True
        # A shifted key may go up under another keysym than it went down, so the scan code decides.
        name = (event.scancode, 0 if event.scancode else event.keysym)
        if event.down:
            if name not in self._keys and len(self._keys) >= MAX_HELD:
                return False
            self._keys[name] = event
            return True
        return self._keys.pop(name, None) is not None

    def release(self) -> list[InputEvent]:
        """Forget everything; return the events that let go of what was held."""
        events: list[InputEvent] = [
            Key(False, key.scancode, key.keysym) for key in reversed(self._keys.values())
        ]
        if self._pointer.buttons:
            self._pointer = _let_go(self._pointer)
            events.append(self._pointer)
        self._keys.clear()
        return events


def _let_go(pointer: Pointer | Move) -> Pointer | Move:
    if isinstance(pointer, Move):
        return Move(0, 0, Button(0))
    return Pointer(pointer.x, pointer.y, Button(0))
