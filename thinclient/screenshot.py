"""`tsclient screenshot`: what a desktop shows, as a PNG file."""

from __future__ import annotations

import os
import time

import click

from thinclient.who import Size, Who, who_options
from tsgateway.client import TookTooLong
from tsgateway.client.viewer import Viewer


@click.command
@who_options
@click.option("-o", "--output", required=True, metavar="FILE", type=click.Path(dir_okay=False),
              help="Where the picture goes; an older one there is replaced.")  # fmt: skip
@click.option("--settle", type=click.FloatRange(0, 60), default=1, show_default=True,
              help="Seconds that the screen has to rest first.")  # fmt: skip
@click.option("--patience", type=click.FloatRange(1, 3600), default=120, show_default=True,
              help="Seconds to wait for that; what is there then is taken.")  # fmt: skip
def screenshot(*, who: Who, desktop: str, size: Size, output: str, settle: float, patience: float) -> None:
    """Open DESKTOP at URL and write what it shows to a PNG file."""
    end = time.monotonic() + patience
    with who.sign_in() as gateway, Viewer(gateway, desktop, size=size, carrier=who.carrier) as viewer:
        viewer.wait_for_picture(patience)
        while (left := end - time.monotonic()) > 0:
            try:
                viewer.wait_for_change(within=min(settle, left))
            except TookTooLong:
                break
        try:
            viewer.save(output)
        except OSError as error:
            raise click.FileError(output, os.strerror(error.errno or 0)) from None
