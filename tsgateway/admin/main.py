"""`tsadmin`: the commands, each in a module that is imported when it is used."""

from __future__ import annotations

import importlib
import os
import sys

import click

from tsgateway.admin.command import keep_place, place_options

COMMANDS = {
    "query": ("query", "query", "List sessions, people, processes and hosts, as Windows does."),
    "logoff": ("steering", "logoff", "Log sessions off."),
    "disconnect": ("steering", "disconnect", "Disconnect everybody from sessions, which go on."),
    "reset": ("steering", "reset", "End sessions and their guests at once."),
    "connect": ("looking", "connect", "Show a session to a viewer that looks at another one."),
    "shadow": ("looking", "shadow", "Look on at somebody's session, or use it with them."),
    "msg": ("messages", "msg", "Show people a message."),
    "kill": ("processes", "kill", "End processes in sessions."),
    "top": ("top", "top", "Watch sessions, and where the time of each goes."),
    "events": ("top", "events", "Tell what happens, as it happens."),
    "session": ("sessions", "session", "See where a session's time goes, and who had which."),
    "guest": ("guests", "guest", "Ask a session's guest what it is, run commands in it."),
    "logon": ("hosts", "logon", "Say whether new sessions may begin."),
    "host": ("hosts", "host", "List session hosts and weigh them."),
    "pool": ("desktops", "pool", "See how many guests stand ready."),
    "desktop": ("desktops", "desktop", "List the desktops that are published."),
    "disk": ("storage", "disk", "List people's own disks, and give them new ones."),
    "image": ("storage", "image", "List and delete guest images."),
    "user": ("users", "user", "Make and change accounts."),
    "group": ("groups", "group", "Make groups, and put people into them."),
    "role": ("groups", "role", "Say who may administer what."),
    "sign-in": ("users", "sign_in", "See who is signed in where, and end that."),
    "policy": ("policies", "policy", "Say who may open which desktops, and explain why."),
    "audit": ("audit", "audit", "Search, follow, check and export the audit."),
    "token": ("tokens", "token", "Make, list and revoke tokens for programs."),
    "invitation": ("invitations", "invitation", "List and revoke invitations to sessions."),
    "doctor": ("doctor", "doctor", "Check what the gateway needs, and say what is wrong."),
    "completion": ("completion", "completion", "Make your shell complete commands and names."),
    "whoami": ("whoami", "whoami", "Say as whom the gateway knows you, and what you may do."),
    "login": ("signing", "login", "Sign in to a gateway elsewhere, and keep a token for it."),
    "logout": ("signing", "logout", "Revoke that token, and forget the gateway."),
}
"""Where each is, and a line about it: nothing else is imported for a list of them."""
ALIASES = {
    "qwinsta": ("query", "session"),
    "quser": ("query", "user"),
    "qprocess": ("query", "process"),
    "rwinsta": ("reset",),
    "tscon": ("connect",),
    "tsdiscon": ("disconnect",),
    "tskill": ("kill",),
}
"""What those are called by who know them from Windows; also as the name of a link to this program."""


class _Lazy(click.Group):
    """Knows its commands by name and help; loads one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *ALIASES]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        first, *rest = ALIASES.get(cmd_name, (cmd_name,))
        if first not in COMMANDS:
            return None
        module, name, _ = COMMANDS[first]
        found: click.Command | None = getattr(importlib.import_module(f"tsgateway.admin.{module}"), name)
        for word in rest:
            found = found.get_command(ctx, word) if isinstance(found, click.Group) else None
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])
        with formatter.section("Known from Windows"):
            formatter.write_dl([(name, f"tsadmin {' '.join(words)}") for name, words in ALIASES.items()])


@click.group(
    cls=_Lazy,
    commands=[click.Command(name) for name in (*COMMANDS, *ALIASES)],  # for click to say which was meant
    params=place_options(),
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="`tsadmin COMMAND --help` tells more of each, with examples. On the gateway's machine nothing "
    "else is needed; from elsewhere, begin with `tsadmin login --server https://…`.",
)
@click.version_option(package_name="tsgateway")
@click.pass_context
def main(ctx: click.Context, /, **place: str | None) -> None:
    """The administrator's commands: they ask the gateway on this machine, or one elsewhere."""
    keep_place(ctx, place)
    if os.environ.get("NO_COLOR"):
        ctx.color = False


def run() -> None:
    """Run what the command line says; as `qwinsta` and the like, that command."""
    called = os.path.basename(sys.argv[0])
    words = [called] if called in ALIASES else []
    try:
        main([*words, *sys.argv[1:]], prog_name="tsadmin")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    run()
