"""Signing people in and out, and knowing them by their token.

A sign-in goes step by step: a password, or a way round by a provider; a second factor where there is one or
one is required; a new password where that is due. What was proved so far waits in `challenges`. Whoever is
asked for a name is the authenticator that its account belongs to, and for a name without an account those
that may make accounts.

While the database is away, who was known within the last `REMEMBER` seconds stays so; nobody else does, and
nobody signs in (StoreUnavailable). The errors are in `tsgateway/auth/errors.py`.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from twisted.logger import Logger

from tsgateway.audit import Event, Journal
from tsgateway.auth.asking import NAME, Source
from tsgateway.auth.authenticators.base import Declined, Departure, Identity, InThread, Unavailable
from tsgateway.auth.challenges import LIFETIME, Challenge, Challenges, Step
from tsgateway.auth.errors import (
    Busy,
    ChallengeOver,
    Refused,
    SignInError,
    SourceAway,
    TooManyAttempts,
    WrongCode,
    WrongPassword,
)
from tsgateway.auth.factors import SecondFactors
from tsgateway.auth.handover import HandOvers
from tsgateway.auth.local_accounts import LocalAccounts
from tsgateway.auth.passwords import MAX_LENGTH
from tsgateway.auth.redirects import LIFETIME as AWAY_LIFETIME
from tsgateway.auth.redirects import Away, Redirects, new_state
from tsgateway.auth.throttle import Throttle
from tsgateway.auth.tokens import hash_token, new_token
from tsgateway.auth.totp import Enrolment
from tsgateway.config.models import SignInSection
from tsgateway.groups import ADMINISTRATORS
from tsgateway.policy import Granted, Role, Subject
from tsgateway.store import LOCAL, Account, NameTaken, NotLinked, Store, StoreUnavailable

REMEMBER = 900.0
MAX_REMEMBERED = 4096
"""Sign-ins; the least recently used are forgotten first."""
NO_ACCOUNT = "You are known there, but have no account here. Ask the administrator for one."
DISABLED = "Your account is disabled. Ask the administrator."
NOT_BACK = "This sign-in was not begun in this browser, took too long, or was ended already. Begin again."


@dataclass(frozen=True)
class Accepted:
    """Somebody is signed in. recovery_codes: made on the way, to be kept by the person."""

    subject: Subject
    token: bytes
    recovery_codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Needs:
    """The next step of a sign-in. enrolment: of the second factor that is to be set up."""

    challenge: bytes
    step: Step
    enrolment: Enrolment | None = None


@dataclass(frozen=True)
class Answer:
    """What somebody answers to a step: the one of these that it asks for, or a recovery code for a code."""

    code: str = ""
    recovery: str = ""
    password: str = ""


class SignIn:
    """Checks who people are and keeps sign-ins.

    sources: authenticators by name, "local" among them, in the order in which they are asked.
    database: runs the store's calls; monotonic, wall: clocks, seconds.
    """

    log = Logger()

    def __init__(
        self,
        *,
        store: Store,
        local: LocalAccounts,
        factors: SecondFactors,
        hand_overs: HandOvers,
        sources: Mapping[str, Source],
        throttle: Throttle,
        settings: SignInSection,
        journal: Journal,
        database: InThread,
        monotonic: Callable[[], float],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.local = local
        self.factors = factors
        self.hand_overs = hand_overs
        self.sources = sources
        self._store = store
        self._throttle = throttle
        self._journal = journal
        self._database = database
        self._monotonic = monotonic
        self._wall = wall
        self._lifetime = settings.lifetime_hours * 3600
        self._idle = settings.idle_minutes * 60
        self._require_totp = frozenset(settings.require_totp)
        self._challenges = Challenges()
        self._redirects = Redirects()
        self._remembered: OrderedDict[bytes, tuple[Subject, float]] = OrderedDict()
        self.outcomes = dict.fromkeys(("accepted", "refused", "throttled", "busy"), 0)
        """Attempts so far, by how they went."""

    @property
    def lifetime(self) -> float:
        """Longest time a sign-in lasts, seconds."""
        return self._lifetime

    # ---- signing in

    async def sign_in(self, name: str, password: str, address: str) -> Accepted | Needs:
        """Take a name and a password. Raises SignInError, StoreUnavailable."""
        name = name.strip().lower()
        self._begin(name, address)
        try:
            found = await self._checked(name, password)
        except (StoreUnavailable, SourceAway, Refused, Busy) as error:
            self._throttle.succeeded(name, address)  # it was not wrong
            if isinstance(error, SignInError):
                self._refused(name, address, error)
            raise
        if found is None:
            # A name that is none may be a password, typed into the wrong field.
            account = await self._database(self._store.user, name) if NAME.fullmatch(name) else None
            wrong = WrongPassword("The name or the password is wrong.")
            self._refused("nobody's name" if account is None else name, address, wrong)
            raise wrong
        self._throttle.succeeded(name, address)
        account, source = found
        method = "password" if source.name == LOCAL else source.method
        return await self._go_on(account, source, self._challenge(account, method, address))

    async def answer(self, token: bytes, answer: Answer, address: str) -> Accepted | Needs:
        """Take the answer to a step. Raises SignInError, StoreUnavailable."""
        challenge = self._challenges.take(token, address, self._monotonic())
        if challenge is None:
            raise ChallengeOver
        try:
            await self._take(challenge, answer)
        except (SignInError, StoreUnavailable) as error:
            self._challenges.put_back(token, challenge, wrong=isinstance(error, WrongCode))
            if isinstance(error, SignInError):
                self._refused(challenge.name, address, error)
            raise
        account = await self._database(self._store.user, challenge.name)
        source = None if account is None else self.sources.get(account.source)
        if account is None or source is None:
            raise ChallengeOver  # deleted or given to another source meanwhile
        return await self._go_on(account, source, challenge)

    async def pending(self, token: bytes, address: str) -> Needs:
        """Return what a half-done sign-in needs. Raises ChallengeOver."""
        challenge = self._challenges.peek(token, address, self._monotonic())
        if challenge is None:
            raise ChallengeOver
        is_new = challenge.step is Step.ENROL
        drawn = await self.factors.draw(challenge.name, challenge.secret) if is_new else None
        return Needs(token, challenge.step, drawn)

    async def leave(self, source: str, callback: str, address: str) -> tuple[Departure, bytes]:
        """Return where to send somebody, and what their browser has to keep. Raises SignInError.

        callback: the address to come back to.
        """
        found = self.sources.get(source)
        if found is None or not found.redirects:
            raise Refused("There is no such way to sign in here.")
        state, browser = new_state(), new_token()
        try:
            departure = await found.begin(callback, state)
        except Unavailable as error:
            raise SourceAway(str(error)) from None
        now = self._monotonic()
        until = now + AWAY_LIFETIME
        away = Away(source, callback, departure.kept, hash_token(browser), address, until)
        self._redirects.leave(state, away, now)
        return departure, browser

    async def back(
        self, source: str, query: Mapping[str, str], browser: bytes, address: str
    ) -> Accepted | Needs:
        """Take somebody who comes back. browser: what `leave` gave it. Raises as `sign_in` does."""
        away = self._redirects.back(query.get("state", ""), source, browser, self._monotonic())
        found = self.sources.get(source)
        try:
            if away is None or found is None:
                raise Refused(NOT_BACK)
            try:
                identity = await found.finish(away.kept, away.callback, query)
            except Unavailable as error:
                raise SourceAway(str(error)) from None
            except Declined as error:
                self.log.warn("{source} declined: {detail}", source=source, detail=error.detail)
                raise Refused(str(error)) from None
            account = await self._arrived(found, identity, adopts=False)
        except SignInError as error:
            self._refused(f"somebody by {source}", address, error)
            raise
        return await self._go_on(account, found, self._challenge(account, found.method, address))

    def _begin(self, name: str, address: str) -> None:
        wait = self._throttle.begin(name, address, self._monotonic())
        if wait > 0:
            error = TooManyAttempts(wait)
            # A name that is none may be a password, typed into the wrong field.
            self._refused("", address, error)
            raise error

    async def _checked(self, name: str, password: str) -> tuple[Account, Source] | None:
        """Ask who may know; None for a wrong name or password. Raises SignInError, StoreUnavailable."""
        if not NAME.fullmatch(name) or not 0 < len(password) <= MAX_LENGTH:
            await self.local.check("", "")  # takes as long as any other
            return None
        account = await self._database(self._store.user, name)
        if account is None:
            await self.local.check("", "")
            makes = [each for each in self.sources.values() if each.section.create and not each.redirects]
            return await self._first(makes, name, password)
        source = self.sources.get(account.source)
        if source is None or source.redirects or not account.enabled:
            await self.local.check("", "")
            return None
        return await self._first([source], name, password)

    async def _first(self, sources: list[Source], name: str, password: str) -> tuple[Account, Source] | None:
        """Ask one after the other."""
        away: Unavailable | None = None
        for source in sources:
            try:
                identity = await source.check(name, password)
            except Unavailable as error:
                away = error
                continue
            if identity is None:
                continue
            if source.name == LOCAL:
                account = await self._database(self._store.user, name)
                return None if account is None else (account, source)
            return await self._arrived(source, identity, adopts=True), source
        if away is not None:
            raise SourceAway(str(away))
        return None

    async def _arrived(self, source: Source, identity: Identity, *, adopts: bool) -> Account:
        arrival = source.arrival(identity, adopts=adopts)
        try:
            account = await self._database(self._store.arrive, arrival, time.time())
        except (NotLinked, NameTaken) as error:
            self.log.warn("no account: {error}", error=error)
            raise Refused(NO_ACCOUNT) from None
        if not account.enabled:
            raise Refused(DISABLED)
        return account

    def _challenge(self, account: Account, method: str, address: str) -> Challenge:
        return Challenge(account.name, method, address, self._monotonic() + LIFETIME, Step.CODE)

    async def _take(self, challenge: Challenge, answer: Answer) -> None:
        """Judge the answer to a step. Raises SignInError, StoreUnavailable."""
        name, address = challenge.name, challenge.address
        match challenge.step:
            case Step.CODE:
                await self.factors.check(name, address, code=answer.code, recovery=answer.recovery)
                challenge.method += "+totp"
                challenge.proved = True
            case Step.ENROL:
                challenge.codes = await self.factors.enrol(name, challenge.secret, answer.code, address)
                challenge.method += "+totp"
                challenge.proved = True
            case Step.PASSWORD:
                await self.local.set_password(name, answer.password)

    async def _go_on(self, account: Account, source: Source, challenge: Challenge) -> Accepted | Needs:
        """Ask for the next step, or let them in."""
        if not account.enabled:
            raise Refused(DISABLED)
        wants = source.section.second_factor and not challenge.proved
        if wants and account.has_totp:
            return self._need(challenge, Step.CODE)
        if wants and not self._require_totp.isdisjoint(account.groups):
            drawn = await self.factors.draw(account.name)
            return self._need(challenge, Step.ENROL, drawn)
        if account.must_change and account.source == LOCAL:
            return self._need(challenge, Step.PASSWORD)
        return await self._accept(account, challenge)

    def _need(self, challenge: Challenge, step: Step, drawn: Enrolment | None = None) -> Needs:
        now = self._monotonic()
        secret = drawn.secret if drawn else ""
        waiting = replace(challenge, step=step, secret=secret, wrong=0, until=now + LIFETIME)
        return Needs(self._challenges.add(waiting, now), step, drawn)

    async def _accept(self, account: Account, challenge: Challenge) -> Accepted:
        token, name = new_token(), account.name
        await self._database(
            self._store.add_sign_in,
            hash_token(token),
            name,
            self._wall(),
            challenge.method,
            challenge.address,
        )
        self.outcomes["accepted"] += 1
        self.log.info(
            "signed in: {name} from {address} by {method}",
            name=name, address=challenge.address, method=challenge.method,
        )  # fmt: skip
        details = {"method": challenge.method}
        self._journal.note(Event("sign-in.accepted", name, challenge.address, "gateway", "accepted", details))
        return Accepted(subject_of(account, challenge.method), token, challenge.codes)

    def _refused(self, name: str, address: str, error: SignInError) -> None:
        outcome = {TooManyAttempts: "throttled", Busy: "busy"}.get(type(error), "refused")
        self.outcomes[outcome] += 1
        details = {"why": type(error).__name__}
        self._journal.note(Event(f"sign-in.{outcome}", name, address, "gateway", outcome, details))
        self.log.info(
            "sign-in refused: {who} from {address} ({why})",
            who=name, address=address, why=type(error).__name__,
        )  # fmt: skip

    # ---- those who are signed in

    async def change_password(self, name: str, old: str, new: str, address: str, keep: bytes) -> None:
        """Change one's own password; the sign-in `keep` goes on. Raises SignInError, StoreUnavailable."""
        self._begin(name, address)
        try:
            await self.local.change_password(name, old, new, keep)
        except WrongPassword as error:
            self._refused(name, address, error)
            raise
        except (SignInError, StoreUnavailable):
            self._throttle.succeeded(name, address)
            raise
        self._throttle.succeeded(name, address)
        self._challenges.forget(name)

    async def check_own_password(self, name: str, password: str, address: str) -> None:
        """See that who has signed in knows the password, too. Raises SignInError, StoreUnavailable."""
        self._begin(name, address)
        if not await self.local.check(name, password):
            error = WrongPassword("That is not your password.")
            self._refused(name, address, error)
            raise error
        self._throttle.succeeded(name, address)

    def close(self) -> None:
        """Let go of authenticators."""
        for source in self.sources.values():
            source.close()

    def changed(self, name: str, ended: Iterable[bytes] = ()) -> None:
        """Forget what was known of an account before it was changed. ended: its sign-ins that are over."""
        self._challenges.forget(name)
        for token_hash in ended:
            self._remembered.pop(token_hash, None)

    async def known(self, token_hash: bytes) -> Subject | None:
        """Return who holds this token, and note that the sign-in was used; None when it is over.

        Raises StoreUnavailable when it is not known.
        """
        use = self._store.use_sign_in
        try:
            known = await self._database(use, token_hash, self._wall(), self._lifetime, self._idle)
        except StoreUnavailable:
            remembered = self._remember(token_hash)
            if remembered is None:
                raise
            return remembered
        if known is None:
            self._remembered.pop(token_hash, None)
            return None
        subject = subject_of(known.account, known.method)
        self._remembered[token_hash] = (subject, self._monotonic())
        self._remembered.move_to_end(token_hash)
        if len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)
        return subject

    def _remember(self, token_hash: bytes) -> Subject | None:
        """Return who held this token a short time ago."""
        subject, known = self._remembered.get(token_hash, (None, 0.0))
        return subject if self._monotonic() - known < REMEMBER else None

    async def sign_out(self, token_hash: bytes) -> None:
        """End a sign-in. Raises StoreUnavailable."""
        await self._database(self._store.end_sign_in, token_hash)
        self._remembered.pop(token_hash, None)

    async def forget_old(self) -> None:
        """Remove sign-ins that are over."""
        forget = self._store.forget_old_sign_ins
        await self._database(forget, self._wall(), self._lifetime, self._idle)


_ROLES = {role.value: role for role in Role}
"""A database may know further ones, of a newer version: they allow nothing here."""


def subject_of(account: Account, method: str = "password") -> Subject:
    """Return the account as policy knows it. method: how the person signed in."""
    roles = {Granted(_ROLES[role], desktop) for role, desktop in account.roles if role in _ROLES}
    if ADMINISTRATORS in account.groups:
        roles.add(Granted(Role.OWNER))
    return Subject(account.name, frozenset(account.groups), frozenset(roles), method)
