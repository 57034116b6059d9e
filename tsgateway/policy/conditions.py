"""The conditions of policies: who, from where, how, when, and to which desktops. Pure.

Each says of a context whether it holds and why, in a sentence. What is not known (an address that is none,
a time zone that this machine has no longer) is answered with None: it lets nobody in by a policy that allows,
and keeps out by one that denies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from tsgateway.policy.reading import IPNetwork, Moment, Names, Window, address_of, listed


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks for a desktop, and how. "" stands for what is not known.

    address: the client's, as the connection has it; method: how the person signed in; door: how they came;
    moments: the time in each zone that policies name.
    """

    user: str
    groups: frozenset[str]
    address: str = ""
    method: str = ""
    door: str = ""
    moments: Mapping[str, Moment] = field(default_factory=dict)


class Verdict(NamedTuple):
    """Whether a condition holds (None: not known), and why: a part of a sentence, made when it is read."""

    holds: bool | None
    why: Callable[[], str]


class Condition(Protocol):
    """One condition of a policy."""

    def judge(self, context: Context, desktop: str) -> Verdict:
        """Say whether it holds for somebody who asks for a desktop."""

    def table(self) -> dict[str, Any]:
        """Return it as in the policy's JSON table."""


@dataclass(frozen=True, slots=True)
class Who:
    """Some people and groups."""

    users: Names
    groups: Names

    def judge(self, context: Context, desktop: str) -> Verdict:
        """See `Condition`."""
        if (found := self.users.find(context.user)) is not None:
            return Verdict(True, lambda: f"{context.user} {_found(context.user, found)}")
        # The exact groups first: one look, however many there are.
        if both := self.groups.exact & context.groups:
            return Verdict(True, lambda: f"{context.user} is in the group {min(both)}")
        if self.groups.patterns:
            group = next((each for each in sorted(context.groups) if self.groups.find(each)), None)
            if group is not None:
                return Verdict(True, lambda: f"{context.user} is in the group {group}")
        return Verdict(False, lambda: f"{context.user} is not {self._wanted()}")

    def _wanted(self) -> str:
        return listed([*self.users.written, *(f"group {name}" for name in self.groups.written)])

    def table(self) -> dict[str, Any]:
        """See `Condition`."""
        return {"users": list(self.users.written), "groups": list(self.groups.written)}


@dataclass(frozen=True, slots=True)
class From:
    """Some networks."""

    networks: tuple[IPNetwork, ...]

    def judge(self, context: Context, desktop: str) -> Verdict:
        """See `Condition`."""
        address = address_of(context.address)
        if address is None:
            return Verdict(None, lambda: "the client's address is not known")
        found = next((network for network in self.networks if address in network), None)
        if found is not None:
            return Verdict(True, lambda: f"address {address} is in {found}")
        return Verdict(False, lambda: f"address {address} is not in {listed(list(map(str, self.networks)))}")

    def table(self) -> dict[str, Any]:
        """See `Condition`."""
        return {"networks": [str(each) for each in self.networks]}


@dataclass(frozen=True, slots=True)
class Method:
    """Some ways to sign in."""

    methods: Names

    def judge(self, context: Context, desktop: str) -> Verdict:
        """See `Condition`."""
        if not context.method:
            return Verdict(None, lambda: "how the person signed in is not known")
        if self.methods.find(context.method) is not None:
            return Verdict(True, lambda: f"signed in with {context.method}")
        return Verdict(False, lambda: f"signed in with {context.method}, not with {self._wanted()}")

    def _wanted(self) -> str:
        return listed(self.methods.written)

    def table(self) -> dict[str, Any]:
        """See `Condition`."""
        return {"methods": list(self.methods.written)}


@dataclass(frozen=True, slots=True)
class Door:
    """Some ways in."""

    doors: tuple[str, ...]

    def judge(self, context: Context, desktop: str) -> Verdict:
        """See `Condition`."""
        if not context.door:
            return Verdict(None, lambda: "through which door the person comes is not known")
        if context.door in self.doors:
            return Verdict(True, lambda: f"comes through the door {context.door}")
        return Verdict(False, lambda: f"comes through the door {context.door}, not {listed(self.doors)}")

    def table(self) -> dict[str, Any]:
        """See `Condition`."""
        return {"doors": list(self.doors)}


@dataclass(frozen=True, slots=True)
class When:
    """Some times, as clocks in a zone show them.

    An instant has one wall time in a zone, so nothing is special where clocks are set: an hour that comes
    twice is within twice, one that is left out does not come.
    """

    zone: str
    windows: tuple[Window, ...]

    def judge(self, context: Context, desktop: str) -> Verdict:
        """See `Condition`."""
        moment = context.moments.get(self.zone)
        if moment is None:
            return Verdict(None, lambda: f"the time in {self.zone} is not known")
        found = next((window.written for window in self.windows if window.holds(moment)), None)
        if found is not None:
            return Verdict(True, lambda: f"{moment} ({self.zone}) is within {found}")
        return Verdict(False, lambda: f"{moment} ({self.zone}) is not within {self._times()}")

    def _times(self) -> str:
        return listed([window.written for window in self.windows])

    def table(self) -> dict[str, Any]:
        """See `Condition`."""
        return {"when": {"zone": self.zone, "times": [window.written for window in self.windows]}}


@dataclass(frozen=True, slots=True)
class Desktops:
    """Some desktops."""

    desktops: Names

    def judge(self, context: Context, desktop: str) -> Verdict:
        """See `Condition`."""
        if (found := self.desktops.find(desktop)) is not None:
            return Verdict(True, lambda: f"desktop {desktop} {_found(desktop, found)}")
        return Verdict(False, lambda: f"desktop {desktop} is not {listed(self.desktops.written)}")

    def table(self) -> dict[str, Any]:
        """See `Condition`."""
        return {"desktops": list(self.desktops.written)}


def _found(name: str, entry: str) -> str:
    return "is named" if entry == name else f"is one of {entry}"
