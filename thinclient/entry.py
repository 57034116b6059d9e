"""`tsclient register`: connection files open by a double click, on desktops as of freedesktop.org."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click

_ICON = Path(__file__).parents[1] / "webclient/images/logo.svg"
TYPE = "application/x-tsclient"
PACKAGE = f"""<?xml version="1.0" encoding="UTF-8"?>
<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">
  <mime-type type="{TYPE}">
    <comment>Connection of tsgateway</comment>
    <comment xml:lang="ja">tsgateway の接続</comment>
    <icon name="tsclient"/>
    <glob pattern="*.tsc"/>
  </mime-type>
</mime-info>
"""
ENTRY = """[Desktop Entry]
Type=Application
Version=1.5
Name=tsgateway
Comment=Desktops that run in virtual machines
Comment[ja]=仮想マシンで動くデスクトップ
Exec={command} %f
Icon=tsclient
Terminal=false
Categories=Network;RemoteAccess;
MimeType={type};
StartupWMClass=tsclient
"""


@dataclass(frozen=True, slots=True)
class Made:
    """A file that belongs to it, below the person's data folder."""

    path: Path
    text: str


def data_folder() -> Path:
    """Return where desktops look for a person's own entries."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")


def made_files(folder: Path, command: list[str]) -> list[Made]:
    """Return what is written. command: what starts this program."""
    icon = _ICON.read_text(encoding="utf-8")
    quoted = " ".join(map(_quoted, command))
    return [
        Made(folder / "mime/packages/tsclient.xml", PACKAGE),
        Made(folder / "icons/hicolor/scalable/apps/tsclient.svg", icon),
        Made(folder / "applications/tsclient.desktop", ENTRY.format(command=quoted, type=TYPE)),
    ]


def _quoted(word: str) -> str:
    """Return a word as an entry's Exec wants it (Desktop Entry Specification, "The Exec key")."""
    plain = word.replace("%", "%%")
    if plain and all(c.isalnum() or c in "/._-+%" for c in plain):
        return plain
    escaped = "".join(f"\\{c}" if c in '"`$\\' else c for c in plain)
    return f'"{escaped}"'.replace("\\", "\\\\")


def started_by() -> list[str]:
    """Return the command that starts this program: its script, where there is one."""
    script = shutil.which(sys.argv[0]) if Path(sys.argv[0]).name == "tsclient" else None
    return [str(Path(script).absolute())] if script else [sys.executable, "-m", "thinclient.main"]


@click.command
@click.option("--remove", is_flag=True, help="Undo it.")
def register(*, remove: bool) -> None:
    """Have connection files (.tsc) open in this program by a double click, and put it in your menu.

    Writes into your own data folder only. For Linux and other systems whose desktops follow freedesktop.org.
    """
    if sys.platform in ("win32", "darwin"):
        raise click.ClickException(
            "This is for desktops of Linux. On Windows and macOS choose tsclient for a .tsc file once, in "
            "the file manager: Open with, Always."
        )
    folder = data_folder()
    try:
        for made in made_files(folder, started_by()):
            _remove(made) if remove else _write(made)
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}.") from None
    _tell("update-mime-database", str(folder / "mime"))
    _tell("update-desktop-database", str(folder / "applications"))
    if not remove:
        _tell("xdg-mime", "default", "tsclient.desktop", TYPE)


def _write(made: Made) -> None:
    made.path.parent.mkdir(parents=True, exist_ok=True)
    made.path.write_text(made.text, encoding="utf-8")
    click.echo(f"Written: {made.path}")


def _remove(made: Made) -> None:
    if made.path.exists():
        made.path.unlink()
        click.echo(f"Removed: {made.path}")


def _tell(*command: str) -> None:
    """Run one of the desktop's own tools, where it is there; without it desktops look by themselves."""
    if shutil.which(command[0]) is None:
        click.echo(f"Not there, and not needed everywhere: {command[0]}")
        return
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    how = "" if done.returncode == 0 else f" (it says: {done.stderr.strip()[:200] or done.returncode})"
    click.echo(f"Told: {shlex.join(command)}{how}")
