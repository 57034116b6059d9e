"""`tsclient`: its commands, exit codes and errors."""

from __future__ import annotations

import logging
import os
import sys

import click

from thinclient.entry import register
from thinclient.exits import CANNOT, INTERRUPTED, code_of
from thinclient.faults import FAULT, in_a_line, keep_log
from thinclient.files import get, ls, put
from thinclient.listing import list_
from thinclient.opening import forget, open_
from thinclient.probe import probe
from thinclient.screenshot import screenshot
from thinclient.shadowing import shadow
from tsgateway.client import ClientError

_log = logging.getLogger(__name__)


class _Told(click.Group):
    """Tells people what went wrong in a sentence. What names no command is something to open."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `open` before what begins otherwise."""
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help", "--version")):
            args = ["open", *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise SystemExit(INTERRUPTED) from None
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except ClientError as error:
            click.echo(f"Error: {in_a_line(str(error))}", err=True)
            raise SystemExit(code_of(error)) from None
        except Exception:
            _log.exception("%s has failed", ctx.invoked_subcommand)
            click.echo(f"Error: {FAULT}", err=True)
            raise SystemExit(CANNOT) from None


@click.group(cls=_Told, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tsgateway")
def main() -> None:
    """The native client of tsgateway.

    `tsclient https://desk.example.org work` opens a desktop in a window, as `tsclient open` does; `tsclient`
    alone asks which.
    """


main.add_command(open_)
main.add_command(forget)
main.add_command(probe)
main.add_command(screenshot)
main.add_command(register)
main.add_command(list_)
main.add_command(shadow)
main.add_command(put)
main.add_command(get)
main.add_command(ls)


def run() -> None:
    """Run what the command line says."""
    try:
        keep_log()
    except OSError as error:
        click.echo(f"Error: TSCLIENT_LOG: {error.filename}: {error.strerror}.", err=True)
        raise SystemExit(CANNOT) from None
    try:
        main(prog_name="tsclient")
    except SystemExit as left:
        if left.code != INTERRUPTED:
            raise
        sys.stdout.flush()
        os._exit(INTERRUPTED)  # a thread may wait for a gateway that does not answer


if __name__ == "__main__":
    run()
