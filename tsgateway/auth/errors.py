"""Why nobody is signed in; each text is a sentence for the person.

SignInError
├── WrongPassword       no such account, or not its password: nobody is told which
├── TooManyAttempts     wait `seconds`
├── Busy                too many are signing in at this moment
├── ChallengeOver       a half-done sign-in that is none, or none any more
├── WrongCode           a wrong code of the second factor, or one that was used before
├── FactorStands        there is a second factor already
├── NoFactor            there is none
├── FactorUnreadable    its secret cannot be read: the key is another one
├── PoorPassword        a new password that may not be chosen
├── Refused             whoever it is, there is no way in: no account, disabled, or the source declined
└── SourceAway          who would know cannot be asked now
"""

from __future__ import annotations


class SignInError(Exception):
    """A sign-in is refused; the text is for the person."""


class WrongPassword(SignInError):
    """The name or the password is wrong."""


class TooManyAttempts(SignInError):
    """Wait before the next attempt."""

    def __init__(self, seconds: float) -> None:
        self.seconds = max(1, round(seconds + 0.5))
        unit = "second" if self.seconds == 1 else "seconds"
        super().__init__(f"Too many wrong attempts. Try again in {self.seconds} {unit}.")


class Busy(SignInError):
    """Too many sign-ins at this moment."""


class ChallengeOver(SignInError):
    """There is no such half-done sign-in, or no more."""

    def __init__(self) -> None:
        super().__init__("This sign-in has taken too long or was ended already. Begin again.")


class WrongCode(SignInError):
    """The code is wrong, or was used before."""


class FactorStands(SignInError):
    """There is a second factor already."""


class NoFactor(SignInError):
    """There is no second factor."""


class FactorUnreadable(SignInError):
    """The second factor's secret cannot be read."""


class PoorPassword(SignInError):
    """A new password may not be chosen."""


class Refused(SignInError):
    """There is no way in for this person."""


class SourceAway(SignInError):
    """Who checks this person cannot be asked now."""
