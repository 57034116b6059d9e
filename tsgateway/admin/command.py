"""What every command does the same way: whom it asks, `--json`, examples in its help, errors and exit codes.

A command is a function that returns what there is to say (`Said`), or yields it piece by piece. It is given a
`Gateway`, which connects when it is asked for its client.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click

from tsgateway.admin.errors import (
    AWAY,
    CANNOT,
    CLOSED,
    INTERRUPTED,
    NO_RIGHT,
    SIGNED_OUT,
    USAGE,
    Failed,
    WrongUse,
)
from tsgateway.admin.place import Far, Near, Wanted, local_address, place

if TYPE_CHECKING:
    from tsgateway.client import Client

PATIENCE = 30.0
"""Seconds until an answer begins."""
QUIET_LINE = 60.0
"""Seconds after which a stream of events counts as dead."""

EXAMPLE = 46
"""Columns of an example beside which there is room to say what it does."""

Examples = Sequence[tuple[str, str]]
"""Command lines, and what each does."""


class Said(NamedTuple):
    """What a command has to say. told: for programs; lines: for people; head: whether the first is a heading.

    status: the exit code.
    """

    told: Any
    lines: Iterable[str] = ()
    head: bool = False
    status: int = 0


class Gateway:
    """Whom a command asks."""

    def __init__(self, wanted: Wanted, patience: float = PATIENCE) -> None:
        self._wanted = wanted
        self._patience = patience
        self._client: Client | None = None

    @property
    def place(self) -> Near | Far:
        """Where it is. Raises Failed."""
        return place(self._wanted)

    @property
    def client(self) -> Client:
        """The API. Raises Failed."""
        if self._client is None:
            self._client = connected(self.place, self._patience)
        return self._client

    @property
    def config(self) -> str:
        """The configuration of a gateway on this machine; "" for one with all defaults."""
        return self._wanted.config

    @property
    def address(self) -> str:
        """Where a browser finds it. Raises Failed."""
        where = self.place
        return local_address(self._wanted.config) if isinstance(where, Near) else where.server

    def following(self) -> Client:
        """Return one more client, for events: something is said there every 15 seconds. Raises Failed."""
        return self.patient(QUIET_LINE)

    def patient(self, seconds: float) -> Client:
        """Return one more client, that waits so long for an answer. Raises Failed."""
        return connected(self.place, seconds)


def connected(where: Near | Far, patience: float = PATIENCE) -> Client:
    """Return a client; it connects when it is first asked something. Raises WrongUse."""
    from tsgateway.client import Client

    if isinstance(where, Near):
        return Client.local(where.socket, patience)
    try:
        return Client.remote(
            where.server, where.token, authority=where.ca_file, fingerprint=where.pin, patience=patience
        )
    except ValueError as error:
        raise WrongUse(str(error), code="bad_address") from None
    except OSError as error:
        raise WrongUse(f"{where.ca_file}: {os.strerror(error.errno or 0)}", code="bad_file") from None


# ---- the options every command has


class _PlaceOption(click.Option):
    """One of those that say which gateway is asked; listed apart."""


PLACE = {
    "server": ("URL", "A gateway elsewhere, like https://desk.example.org."),
    "profile": ("NAME", "A gateway that `tsadmin login` knows."),
    "token_file": ("FILE", "The token, in the file's first line."),
    "ca_file": ("FILE", "Certificates to trust instead of the system's."),
    "pin": ("SHA256", "The fingerprint of the one certificate to trust."),
    "config": ("FILE", "The configuration of a gateway on this machine."),
}
"""What says which gateway is asked: see place.Wanted."""
_WHICH = ("server", "profile", "config")
_META = "tsgateway.admin.place"


def place_options() -> list[click.Parameter]:
    """Return the options that say which gateway is asked."""
    return [
        _PlaceOption(
            [f"--{key.replace('_', '-')}", key], metavar=metavar, help=f"{text}  [env: {_variable(key)}]"
        )
        for key, (metavar, text) in PLACE.items()
    ]


def _variable(key: str) -> str:
    return f"TSGATEWAY_{key.upper()}"


def keep_place(ctx: click.Context, given: Mapping[str, str | None]) -> None:
    """Keep for a group's commands what was said before them."""
    ctx.meta[_META] = dict(given)


def wanted_of(ctx: click.Context, given: Mapping[str, str | None]) -> Wanted:
    """Return which gateway is meant: said behind the command, before it, or in the environment."""
    wanted: dict[str, str] = {}
    for layer in (given, ctx.meta.get(_META, {}), {key: os.environ.get(_variable(key)) for key in PLACE}):
        skipped = _WHICH if any(key in wanted for key in _WHICH) else ()
        wanted = {key: value for key, value in layer.items() if value and key not in skipped} | wanted
    return Wanted(**wanted)


class Command(click.Command):
    """A command of tsadmin. examples: for its help, its man page and docs/tsadmin.md."""

    def __init__(self, *args: Any, examples: Examples = (), as_json: bool = True, **options: Any) -> None:
        super().__init__(*args, **options)
        self.examples = examples
        if as_json:
            self.params.append(
                click.Option(["--json", "as_json"], is_flag=True, help="As JSON, for programs.")
            )
        self.params += place_options()

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """click: write the help's lists of options."""
        records = [(param, param.get_help_record(ctx)) for param in self.get_params(ctx)]
        own = [
            found
            for param, found in records
            if found and isinstance(param, click.Option) and not isinstance(param, _PlaceOption)
        ]
        with formatter.section("Options"):
            formatter.write_dl(own)
        if self.examples:
            with formatter.section("Examples"):
                formatter.write_dl(list(self.examples), col_max=EXAMPLE)
        formatter.write_paragraph()
        names = ", ".join(param.opts[0] for param, _ in records if isinstance(param, _PlaceOption))
        formatter.write_text(f"Which gateway is asked: {names}; see `tsadmin --help`.")

    def invoke(self, ctx: click.Context) -> Any:
        """click: run it. Whatever goes wrong ends the program with a sentence and its exit code."""
        try:
            super().invoke(ctx)
            sys.stdout.flush()
        except (KeyboardInterrupt, click.Abort):
            raise SystemExit(INTERRUPTED) from None
        except BrokenPipeError:  # only of the output: the client tells of its own as ClientError
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(CLOSED) from None
        except Failed as error:
            tell(error, ctx)
        except Exception as error:
            if (failed := from_client(error)) is None:
                raise
            tell(failed, ctx)


class Group(click.Group):
    """Commands about one thing."""

    def __init__(self, name: str, *commands: click.Command, **options: Any) -> None:
        super().__init__(name, commands=list(commands), **options)


def command(
    name: str, *, examples: Examples, as_json: bool = True, **options: Any
) -> Callable[[Callable[..., Said | Iterator[Said] | None]], Command]:
    """Make a function a command. It is given a Gateway, and what its own arguments and options are called."""

    def made(function: Callable[..., Said | Iterator[Said] | None]) -> Command:
        def call(**given: Any) -> None:
            shown_as_json = given.pop("as_json", False)
            wanted = wanted_of(click.get_current_context(), {key: given.pop(key) for key in PLACE})
            say(function(Gateway(wanted), **given), shown_as_json)

        params = getattr(function, "__click_params__", [])
        return Command(
            name,
            callback=call,
            params=params[::-1],
            help=options.pop("help", function.__doc__),
            examples=examples,
            as_json=as_json,
            **options,
        )

    return made


# ---- saying it


def say(said: Said | Iterator[Said] | None, as_json: bool) -> None:
    """Print what a command has to say; end the program where the command says how."""
    if said is None:
        return
    if not isinstance(said, Said):
        for piece in said:
            _say_piece(piece, as_json)
        return
    if as_json:
        import json

        click.echo(json.dumps(said.told, indent=2, ensure_ascii=False))
    else:
        _say_lines(said)
    if said.status:
        raise SystemExit(said.status)


def _say_piece(said: Said, as_json: bool) -> None:
    """Print one of many: a line of JSON each, at once."""
    if as_json:
        import json

        click.echo(json.dumps(said.told, ensure_ascii=False, separators=(",", ":")))
    else:
        _say_lines(said)
    sys.stdout.flush()


def _say_lines(said: Said) -> None:
    for number, line in enumerate(said.lines):
        click.echo(click.style(line, bold=True) if said.head and not number else line)


def tell(error: Failed, ctx: click.Context) -> NoReturn:
    """End the program with an error."""
    if ctx.params.get("as_json"):
        import json

        click.echo(
            json.dumps({"error": {"code": error.code, "message": str(error)}}, ensure_ascii=False), err=True
        )
    else:
        click.echo(f"{click.style('tsadmin:', fg='red')} {error}", err=True)
    raise SystemExit(error.status)


def from_client(error: Exception) -> Failed | None:
    """Return what an error of the client means here; None for other errors."""
    from tsgateway import client

    if not isinstance(error, client.ClientError):
        return None
    status = CANNOT
    for kind, found in (
        (client.ServerAway, AWAY), (client.NotSignedIn, SIGNED_OUT), (client.NoRight, NO_RIGHT),
    ):  # fmt: skip
        status = found if isinstance(error, kind) else status
    if error.status == 400:
        status = USAGE
    sentence = str(error)
    if error.code == "not_signed_in":
        sentence += " `tsadmin login` makes a token for this gateway, and keeps it."
    if error.reference:
        sentence += f" (reference {error.reference})"
    return Failed(sentence, error.code or type(error).__name__.lower(), status)


def note(sentence: str) -> None:
    """Tell people something that is no part of the output."""
    click.echo(sentence, err=True)


def confirm(question: str, yes: bool) -> None:
    """Ask before something is lost, unless --yes was given. Raises Failed where nobody can be asked."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise WrongUse(f"{question} Nobody can be asked here; add --yes", code="not_confirmed")
    if not click.confirm(question, err=True):
        raise Failed("nothing was done", code="not_confirmed")


yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
