"""Puts signing in together, from the configuration."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tsgateway.audit import Journal
from tsgateway.auth.asking import Source
from tsgateway.auth.authenticators.base import InThread, Surroundings
from tsgateway.auth.factors import SecondFactors
from tsgateway.auth.handover import HandOvers
from tsgateway.auth.local_accounts import LocalAccounts
from tsgateway.auth.passwords import Passwords
from tsgateway.auth.seal import Seal
from tsgateway.auth.sign_in import SignIn
from tsgateway.auth.throttle import Limits, Throttle
from tsgateway.config import Config
from tsgateway.config.authenticators import AuthenticatorSection
from tsgateway.store import LOCAL, Store


def make_sign_in(
    config: Config,
    *,
    store: Store,
    passwords: Passwords,
    seal: Path,
    journal: Journal,
    database: InThread,
    hashing: InThread,
    directories: InThread,
    reactor: Any,
    wall: Callable[[], float],
) -> SignIn:
    """Return what signs people in. Raises StartError.

    seal: the key file; directories: threads for authenticators that block; wall: the clock of sign-ins.
    """
    settings = config.sign_in
    limits = Limits(
        free=settings.free_attempts,
        delay=settings.delay_seconds,
        max_address=settings.max_delay_seconds,
        max_account=settings.max_account_delay_seconds,
    )
    throttle = Throttle(limits)
    local = LocalAccounts(
        store=store,
        passwords=passwords,
        shortest=settings.password_length,
        database=database,
        hashing=hashing,
    )
    factors = SecondFactors(
        store=store,
        seal=Seal(seal),
        throttle=throttle,
        issuer=settings.totp_issuer,
        journal=journal,
        database=database,
        hashing=hashing,
        monotonic=reactor.seconds,
        wall=time.time,
    )
    hand_overs = HandOvers(
        store=store,
        throttle=throttle,
        journal=journal,
        database=database,
        monotonic=reactor.seconds,
        wall=wall,
    )
    around = Surroundings(reactor, directories, time.time, local)
    sections = {LOCAL: AuthenticatorSection.model_validate({"kind": "local"}), **config.authenticators}
    return SignIn(
        store=store,
        local=local,
        factors=factors,
        hand_overs=hand_overs,
        sources={name: Source(name, section, around) for name, section in sections.items()},
        throttle=throttle,
        settings=settings,
        journal=journal,
        database=database,
        monotonic=reactor.seconds,
        wall=wall,
    )
