"""Who is in a session: what each is told of the others, where they point, and who controls it.

Its own person always may: they hand control over and take it back. What holds for others, and whether several
control at a time, are the session's rules (`rules.Steering`):

    several   whoever came to control does; others ask the person
    one       a helper who comes to control has it; others ask who has it, or the person where they were
              invited to watch only; who gives it does not have it any more
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sessions.channels import Allowed
from sessions.clock import Clock, Timer
from sessions.identity import Identity
from sessions.rules import Steering
from sessions.told import Told
from sessions.turns import Turns
from sessions.viewer import Viewer
from sessions.wire import tsg
from sessions.wire.fields import clip
from sessions.wire.tsg import Capability, Control, PersonKind, SharingRight

POINTER_SECONDS = 1 / 30
"""Others are told where somebody points no more often."""
ASK_SECONDS = 30.0
"""How long somebody waits who has asked for control."""
AGAIN_SECONDS = 10.0
"""So long after they were refused nobody is bothered by the same person."""


@dataclass(slots=True, eq=False)
class _Person:
    number: int
    viewer: Viewer
    kind: PersonKind
    asking: Timer | None = None
    quiet_until: float = 0.0  # their asking means nothing before
    at: tuple[int, int] | None = None  # where they point, while the others are not told yet
    pacing: Timer | None = None
    told: bool = field(default=False)  # that others are there

    @property
    def is_owner(self) -> bool:
        return self.kind is PersonKind.OWNER

    @property
    def may_be_given(self) -> bool:
        """Whether they may ever control: a helper only by a right of their own."""
        return self.kind is not PersonKind.HELPER or self.viewer.may_control


class People:
    """The channel by which people in one session know of each other. told: takes who controlled, and when.

    release: lets go of what a viewer holds down.
    """

    takes: frozenset[type[tsg.Message]] = frozenset({tsg.AskControl, tsg.SetControl, tsg.PointAway})

    def __init__(
        self, identity: Identity, clock: Clock, told: Told, release: Callable[[Viewer], None]
    ) -> None:
        self._identity = identity
        self._one = identity.rules.steering is Steering.ONE
        self._clock = clock
        self._release = release
        self._turns = Turns(identity.session, clock, told)
        self._there: dict[int, _Person] = {}

    # ---- channels.Channel

    def offers(self, allowed: Allowed) -> Iterable[Capability]:
        """Everybody may know of the others."""
        return (Capability.SHARING, Capability.POINTERS)

    def opened(self) -> None:
        """The guest runs: nothing changes."""

    def closed(self) -> None:
        """The guest is gone: nothing changes."""

    def joined(self, number: int, viewer: Viewer) -> None:
        """Somebody is there."""
        others = PersonKind.GUEST if viewer.invited else PersonKind.HELPER
        kind = PersonKind.OWNER if viewer.shadow is None else others
        person = self._there[number] = _Person(number, viewer, kind)
        viewer.points = lambda x, y: self._points(person, (x, y))
        if not self._one:
            viewer.controls = viewer.may_control
        elif kind is PersonKind.HELPER and viewer.may_control:
            self._give(person)
        else:
            viewer.controls = False
            self._never_nobody()
        self._changed()

    def left(self, number: int) -> None:
        """Somebody has gone."""
        person = self._there.pop(number)
        self._turns.end(number, person.viewer.inputs)
        self._no_more_asking(person)
        person.at = None
        if person.pacing is not None and person.pacing.active():
            person.pacing.cancel()
        self._never_nobody()
        self._changed()

    def received(self, number: int, viewer: Viewer, message: tsg.Message) -> None:
        """Somebody asks for control, hands it over, or points at nothing any more."""
        person = self._there[number]
        match message:
            case tsg.AskControl(on):
                self._asks(person, bool(on))
            case tsg.SetControl(other, on) if other in self._there:
                self._sets(person, self._there[other], bool(on))
            case tsg.PointAway():
                self._points(person, (tsg.NOWHERE, tsg.NOWHERE))

    # ---- control

    def _asks(self, person: _Person, on: bool) -> None:
        if not on:
            self._no_more_asking(person)
        elif self._rights(person) & SharingRight.ASK and self._clock.seconds() >= person.quiet_until:
            self._no_more_asking(person)
            person.asking = self._clock.callLater(ASK_SECONDS, self._unanswered, person)
        else:
            return
        self._changed()

    def _unanswered(self, person: _Person) -> None:
        self._refuse(person)
        self._changed()

    def _refuse(self, person: _Person) -> None:
        if person.asking is not None:
            self._no_more_asking(person)
            person.quiet_until = self._clock.seconds() + AGAIN_SECONDS

    def _no_more_asking(self, person: _Person) -> None:
        if person.asking is not None and person.asking.active():
            person.asking.cancel()
        person.asking = None

    def _sets(self, person: _Person, other: _Person, on: bool) -> None:
        """Do what `person` wants: let `other` control, or no more."""
        if on and self._decides(person, other) and other.may_be_given:
            self._give(other)
        elif not on and other.asking is not None and self._decides(person, other):
            self._refuse(other)
        elif not on and other.viewer.controls and (person.is_owner or person is other):
            self._take(other)
        else:
            return
        self._changed()

    def _decides(self, person: _Person, other: _Person) -> bool:
        """Whether one may say that the other controls."""
        if person.is_owner:
            return True
        return self._one and person.viewer.controls and (other.is_owner or other.viewer.may_control)

    def _give(self, person: _Person) -> None:
        chosen = [person] if not person.is_owner else [each for each in self._there.values() if each.is_owner]
        for each in self._there.values() if self._one else ():
            if each not in chosen and each.viewer.controls:
                self._stop(each)
        for each in chosen:
            self._no_more_asking(each)
            each.viewer.controls = True

    def _take(self, person: _Person) -> None:
        if person.is_owner and not self._one:
            return  # there is nobody whom it could go to
        self._stop(person)
        self._never_nobody()

    def _stop(self, person: _Person) -> None:
        person.viewer.controls = False
        self._release(person.viewer)

    def _never_nobody(self) -> None:
        """Where one controls, it is the session's person if it is nobody else."""
        if self._one and not any(each.viewer.controls for each in self._others()):
            for each in self._there.values():
                each.viewer.controls = each.is_owner

    def _others(self) -> list[_Person]:
        return [each for each in self._there.values() if not each.is_owner]

    # ---- what they are told

    def _changed(self) -> None:
        is_shared = bool(self._others())
        for number, person in self._there.items():
            viewer = person.viewer
            self._turns.set(number, is_shared and viewer.controls, viewer.inputs)
        for person in self._there.values():
            if Capability.SHARING in person.viewer.capabilities and (is_shared or person.told):
                person.told = is_shared
                rows = tuple(self._row(each, person) for each in self._there.values()) if is_shared else ()
                person.viewer.tell(tsg.People(person.number, self._rights(person), rows))

    def _rights(self, person: _Person) -> int:
        if person.is_owner:
            return SharingRight.DECIDE | SharingRight.TAKE
        if person.viewer.controls:
            return SharingRight.DECIDE if self._one else 0
        return SharingRight.ASK if person.may_be_given else 0

    def _row(self, person: _Person, seen_by: _Person) -> tsg.PersonHere:
        control = Control.HAS if person.viewer.controls else Control.NONE
        if person.asking is not None and (person is seen_by or self._decides(seen_by, person)):
            control = Control.ASKS
        seconds = int(self._clock.seconds() - person.viewer.since)
        name = self._identity.user if person.is_owner else person.viewer.name
        return tsg.PersonHere(person.number, person.kind, control, seconds, clip(name, tsg.MAX_NAME))

    # ---- where they point

    def _points(self, person: _Person, at: tuple[int, int]) -> None:
        person.at = at
        if person.pacing is None:
            self._tell_pointer(person)

    def _tell_pointer(self, person: _Person) -> None:
        person.pacing = None
        if person.at is None:
            return
        message = tsg.PointerOf(person.number, *person.at)
        person.at = None
        sent = False
        for each in self._there.values():
            is_same = each is person or (each.is_owner and person.is_owner)
            if not is_same and Capability.POINTERS in each.viewer.capabilities:
                each.viewer.tell(message)
                sent = True
        if sent:
            person.pacing = self._clock.callLater(POINTER_SECONDS, self._tell_pointer, person)
