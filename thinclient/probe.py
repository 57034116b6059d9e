"""`tsclient probe`: can people work? One line for Nagios and its kin, and the exit code they know."""

from __future__ import annotations

import asyncio
import enum
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, NoReturn

import click
import numpy as np

from thinclient.faults import in_a_line
from thinclient.who import Size, Who, who_options
from tsgateway.client import ClientError, TookTooLong
from tsgateway.client.viewer import AsyncViewer

if TYPE_CHECKING:
    from tsgateway.client import Client

ECHOES = 3
"""Keys that are pressed; the time in the middle counts."""
QUIET_SECONDS, QUIET_WITHIN = 0.5, 5.0
"""A key is pressed when the screen has rested for so long, or will not."""
UNDO = "BackSpace"


class Level(enum.IntEnum):
    """Exit codes, as monitoring systems know them."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True)
class Figure:
    """One measurement, seconds. text: for people, with a place for the seconds."""

    name: str
    text: str
    seconds: float
    warning: float
    critical: float

    @property
    def level(self) -> Level:
        """What the thresholds make of it."""
        if self.seconds >= self.critical:
            return Level.CRITICAL
        return Level.WARNING if self.seconds >= self.warning else Level.OK

    def __str__(self) -> str:
        return self.text.format(f"{self.seconds:.3f} s")

    @property
    def data(self) -> str:
        """The same for programs: label=value;warning;critical;minimum."""
        return f"{self.name}={self.seconds:.3f}s;{self.warning:g};{self.critical:g};0"


Thresholds = tuple[float, float]
"""Seconds from which on it is a warning, and critical."""


def _thresholds(ctx: click.Context, param: click.Parameter, value: str) -> Thresholds:
    try:
        warning, critical = (float(each) for each in value.split(","))
    except ValueError:
        raise click.BadParameter(f"“{value}” is not two numbers of seconds like 2,10.", ctx, param) from None
    if not 0 <= warning <= critical < 1e6:
        raise click.BadParameter(f"“{value}”: the first may not be larger than the second.", ctx, param)
    return warning, critical


class Probe:
    """One probe. figures: what was measured so far.

    key: what is pressed, "" for nothing. patience: seconds for a picture, and for what comes after it.
    """

    def __init__(self, thresholds: dict[str, Thresholds], key: str, patience: float) -> None:
        self.figures: list[Figure] = []
        self._thresholds = thresholds
        self._key = key
        self._patience = patience

    def note(self, name: str, text: str, seconds: float) -> None:
        """Keep a measurement."""
        self.figures.append(Figure(name, text, seconds, *self._thresholds[name]))

    async def use(self, gateway: Client, desktop: str, size: Size, carrier: str) -> None:
        """Measure what a person would wait for. Raises ClientError, and ValueError for a key there is not."""
        began = time.monotonic()
        viewer = AsyncViewer(gateway, desktop, size=size, carrier=carrier)
        try:
            async with asyncio.timeout(self._patience):
                await viewer.open()
                await viewer.wait_for_picture(self._patience)
        except TimeoutError:
            raise TookTooLong(f"Nothing could be seen within {self._patience:g} s.") from None
        else:
            self.note("picture", "picture after {}", time.monotonic() - began)
            if self._key:
                times = [await self._echo(viewer) for _ in range(ECHOES)]
                self.note("echo", "echo after {}", median(times))
        finally:
            await viewer.close()

    async def _echo(self, viewer: AsyncViewer) -> float:
        """Return the seconds from a key to a picture that is another one."""
        await _rest(viewer)
        before, began = viewer.pixels(), time.monotonic()
        await viewer.press(self._key)
        try:
            await viewer.wait_until(lambda pixels: not np.array_equal(pixels, before), self._patience)
        except TookTooLong:
            raise TookTooLong(
                f"The key {self._key} has changed nothing on the screen in {self._patience:g} s."
            ) from None
        seconds = time.monotonic() - began
        if len(self._key) == 1:
            await viewer.press(UNDO)
        return seconds


async def _rest(viewer: AsyncViewer) -> None:
    """Wait until nothing changes any more, or for `QUIET_WITHIN`."""
    end = time.monotonic() + QUIET_WITHIN
    while time.monotonic() < end:
        try:
            await viewer.wait_for_change(within=QUIET_SECONDS)
        except TookTooLong:
            return


class ProbeCommand(click.Command):
    """Says “unknown” for a command line that is wrong, where monitoring systems read it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            _finish(Level.UNKNOWN, error.format_message())

    def invoke(self, ctx: click.Context) -> Any:
        """Probe."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            _finish(Level.UNKNOWN, error.format_message())


@click.command(cls=ProbeCommand)
@who_options
@click.option(
    "--sign-in",
    callback=_thresholds,
    default="2,10",
    show_default=True,
    metavar="WARN,CRIT",
    help="Seconds until one is signed in.",
)
@click.option(
    "--picture",
    callback=_thresholds,
    default="30,90",
    show_default=True,
    metavar="WARN,CRIT",
    help="From there to the first whole picture, starting a session included.",
)
@click.option(
    "--echo",
    callback=_thresholds,
    default="0.25,1",
    show_default=True,
    metavar="WARN,CRIT",
    help="From a key to its picture.",
)
@click.option(
    "--key",
    default="a",
    show_default=True,
    help="The key that is pressed; it must change the screen. A character is taken back with BackSpace.",
)
@click.option("--no-echo", is_flag=True, help="Press nothing.")
@click.option(
    "--log-off", is_flag=True, help="End the session afterwards, so that the next probe starts one."
)
@click.option("--patience", type=click.FloatRange(1, 3600), default=120, show_default=True,
              help="Seconds after which a picture, or an echo, is not waited for any more.")  # fmt: skip
def probe(
    *, who: Who, desktop: str, size: Size, key: str, no_echo: bool, log_off: bool, patience: float,
    **thresholds: Thresholds,
) -> NoReturn:  # fmt: skip
    """Sign in at URL, open DESKTOP, press a key: measure how long each takes.

    Prints one line with the figures and exits as Nagios plug-ins do: 0 all is well, 1 a warning, 2 critical
    (also when nobody can work at all), 3 the probe itself could not be made. Give the probe an account and a
    desktop of its own: it types.
    """
    made = Probe(thresholds, "" if no_echo else key, patience)
    try:
        began = time.monotonic()
        with who.sign_in() as gateway:
            made.note("sign_in", "signed in within {}", time.monotonic() - began)
            try:
                asyncio.run(made.use(gateway, desktop, size, who.carrier))
            finally:
                if log_off:
                    _log_off(gateway, desktop)
    except ClientError as error:
        _finish(Level.CRITICAL, str(error), made.figures)
    except ValueError as error:
        _finish(Level.UNKNOWN, str(error), made.figures)
    _finish(max(each.level for each in made.figures), ", ".join(map(str, made.figures)), made.figures)


def _log_off(gateway: Client, desktop: str) -> None:
    for each in gateway.list_desktops()["desktops"]:
        if desktop.casefold() in (each["id"].casefold(), each["title"].casefold(), "") and each["session"]:
            gateway.log_off_session(each["session"]["id"])


def _finish(level: Level, text: str, figures: Sequence[Figure] = ()) -> NoReturn:
    line = f"TSGATEWAY {level.name} - {in_a_line(text)}".replace("|", "/")
    data = " ".join(figure.data for figure in figures)
    click.echo(f"{line} | {data}" if data else line)
    raise SystemExit(int(level))
