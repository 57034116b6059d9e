"""What every command does the same way: the configuration, and errors as one sentence.

Exit status: 0 done, 1 it cannot be done, 2 the configuration or the command line is wrong.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, NoReturn, ParamSpec, TypeVar

import click

from tsgateway.config import Config, ConfigError, load
from tsgateway.errors import StartError, StoreError

P = ParamSpec("P")
R = TypeVar("R")


def with_config(command: Callable[Concatenate[Config, P], R]) -> Callable[..., R]:
    """Give the command `--config`, and the configuration as its first argument."""

    @click.option(
        "--config",
        "config_path",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="TSGATEWAY_CONFIG",
        help="TOML file; without one, every option has its default.  [env: TSGATEWAY_CONFIG]",
    )
    @functools.wraps(command)
    def wrapped(config_path: Path | None, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            config = load(config_path)
        except ConfigError as error:
            fail(str(error), 2)
        try:
            return command(config, *args, **kwargs)
        except (StartError, StoreError) as error:
            fail(str(error), 1)

    return wrapped


def spelled(words: str) -> str:
    """Return a command of this program as it can be typed here, where it may not be on the path."""
    called = sys.argv[0]
    away = os.path.basename(called) == "tsgateway" and shutil.which("tsgateway") is None
    return f"`{called if away else 'tsgateway'} {words}`"


def fail(message: str, status: int) -> NoReturn:
    """End the program with a message."""
    click.echo(f"tsgateway: {message}", err=True)
    raise SystemExit(status)
