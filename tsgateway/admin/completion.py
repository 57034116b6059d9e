"""`tsadmin completion`: what makes a shell complete commands, sessions and names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from tsgateway.admin.command import Gateway, Said, command
from tsgateway.admin.errors import Cannot

PROGRAM, VARIABLE = "tsadmin", "_TSADMIN_COMPLETE"


@command(
    "completion",
    as_json=False,
    examples=(
        ('eval "$(tsadmin completion bash)"', "in ~/.bashrc"),
        ('eval "$(tsadmin completion zsh)"', "in ~/.zshrc"),
        ("tsadmin completion fish > ~/.config/fish/completions/tsadmin.fish", "once"),
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(gateway: Gateway, shell: str) -> Said:
    """Print what makes a shell complete commands, options, and the names the gateway knows.

    Sessions, people, desktops and the like are asked for while you type; where the gateway does not answer
    within a second, nothing is completed.
    """
    found = get_completion_class(shell)
    if found is None:
        raise Cannot(f"this click knows no {shell}", code="no_shell")
    made = found(click.get_current_context().find_root().command, {}, PROGRAM, VARIABLE)
    if shell != "bash":
        return Said(None, made.source().splitlines())
    # Not made.source(): that starts bash to ask for its version, which nobody needs since bash 4.4.
    return Said(None, (made.source_template % made.source_vars()).splitlines())
