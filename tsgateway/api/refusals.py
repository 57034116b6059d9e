"""What people are told when something cannot be done: by the hosts, by the database, or by signing in."""

from __future__ import annotations

from typing import NamedTuple

from tsgateway.auth import errors
from tsgateway.exchange import ApiError
from tsgateway.hosts.link import HostError
from tsgateway.hosts.opening import LineFull, TooMany
from tsgateway.hosts.placing import AllBusy, Draining
from tsgateway.hosts.sessions import PoolFull
from tsgateway.store import DiskFull, StoreUnavailable

FULL = "The server's disk is full. Its administrator has to make room there."
AWAY = "The server's database is away for the moment. Try again in a minute."


class Refusal(NamedTuple):
    """status, code: of the answer; retry: seconds until another try makes sense, 0 where that is not known.

    message: a sentence, "" for the error's own; logged: whether the operator has to hear of it.
    """

    status: int
    code: str
    retry: int = 0
    message: str = ""
    logged: bool = True


REFUSALS: tuple[tuple[type[Exception], Refusal], ...] = (
    (TooMany, Refusal(409, "too_many_sessions", logged=False)),
    (Draining, Refusal(503, "draining", 60, logged=False)),
    (LineFull, Refusal(503, "too_many_waiting", 60)),
    (PoolFull, Refusal(503, "pool_full", 60, logged=False)),
    (AllBusy, Refusal(503, "too_many_waiting", 5)),
    (HostError, Refusal(503, "host_unavailable")),
    (DiskFull, Refusal(503, "disk_full", message=FULL)),
    (StoreUnavailable, Refusal(503, "store_unavailable", 10, AWAY)),
)
"""The first that fits."""


def refusal(error: Exception) -> Refusal:
    """Return what is told of a HostError or a StoreUnavailable."""
    return next(each for kind, each in REFUSALS if isinstance(error, kind))


def told(error: Exception) -> ApiError:
    """Return the answer."""
    found = refusal(error)
    more = {"retry_after": found.retry} if found.retry else {}
    headers = {"Retry-After": str(found.retry)} if found.retry else {}
    return ApiError(found.status, found.code, found.message or str(error), headers=headers, **more)


SIGN_IN_REFUSALS: dict[type[errors.SignInError], tuple[int, str]] = {
    errors.WrongPassword: (401, "wrong_password"),
    errors.WrongCode: (401, "wrong_code"),
    errors.ChallengeOver: (410, "challenge_over"),
    errors.FactorStands: (409, "factor_stands"),
    errors.NoFactor: (409, "no_factor"),
    errors.FactorUnreadable: (503, "factor_unreadable"),
    errors.PoorPassword: (400, "poor_password"),
    errors.Refused: (403, "refused"),
    errors.SourceAway: (503, "source_away"),
}
"""Status and code for each kind."""


def not_let_in(error: errors.SignInError, is_signed_in: bool) -> ApiError:
    """Return the answer to somebody who is not let in, or who is and gave a wrong password."""
    if isinstance(error, errors.TooManyAttempts):
        wait = {"Retry-After": str(error.seconds)}
        return ApiError(429, "too_many_attempts", str(error), headers=wait, retry_after=error.seconds)
    if isinstance(error, errors.Busy):
        return ApiError(503, "busy", str(error), headers={"Retry-After": "2"})
    status, code = SIGN_IN_REFUSALS[type(error)]
    if status == 401 and is_signed_in:
        status = 403  # 401 would mean that one is not signed in
    return ApiError(status, code, str(error))
