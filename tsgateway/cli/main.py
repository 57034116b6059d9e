"""`tsgateway`: the commands, each in a module that is imported when it is used."""

from __future__ import annotations

import importlib

import click

COMMANDS = {
    "serve": ("tsgateway.cli.serve", "serve", "Run the gateway."),
    "init": ("tsgateway.cli.init", "init", "Make certificate, database and first administrator."),
    "user": ("tsgateway.cli.user", "user", "Make and change accounts."),
    "image": ("tsgateway.cli.image", "image", "Build and import guest images."),
    "audit": ("tsgateway.cli.audit", "audit", "Check and export the audit."),
    "admin": ("tsgateway.admin.main", "main", "The administrator's commands; `tsadmin` is the same."),
    "end-sessions": ("tsgateway.cli.end_sessions", "end_sessions", "End all sessions and their guests."),
    "plugins": ("tsgateway.cli.plugins", "plugins", "List plug-ins, and why one does not load."),
    "doctor": ("tsgateway.cli.doctor", "doctor", "Check what the gateway needs and say what to do."),
}


class _Lazy(click.Group):
    """Knows its commands by name and help; loads one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.group(
    cls=_Lazy,
    commands=[click.Command(name) for name in COMMANDS],  # only names, for click to say which one was meant
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="`tsgateway COMMAND --help` tells more of each. When something does not work, begin with "
    "`tsgateway doctor`.",
)
@click.version_option(package_name="tsgateway")
def main() -> None:
    """Terminal-services gateway: desktops that run in VM guests, in a browser."""


if __name__ == "__main__":
    main()
