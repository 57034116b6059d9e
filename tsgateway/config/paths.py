"""Paths in the configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path.expanduser()))


FilePath = Annotated[Path, AfterValidator(_absolute)]
