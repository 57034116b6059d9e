"""`tsgateway plugins`: what is installed."""

from __future__ import annotations

import click


@click.command()
def plugins() -> None:
    """List plug-ins, and why one does not load (then the exit status is 1)."""
    from sessions.plugins import installed

    broken = False
    click.echo(f"{'KIND':<10} {'NAME':<12} FROM")
    for plugin in installed():
        click.echo(f"{plugin.kind:<10} {plugin.name:<12} {plugin.origin}")
        if plugin.error:
            broken = True
            click.echo(click.style(f"{'':<10} does not load: ", fg="red") + plugin.error)
    raise SystemExit(1 if broken else 0)
