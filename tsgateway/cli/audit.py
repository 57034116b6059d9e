"""`tsgateway audit`: checks and exports the audit where it lies; no gateway has to run."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import click

from tsgateway.audit.chain import decode_signed
from tsgateway.audit.check import Report
from tsgateway.audit.export import Form, exported
from tsgateway.audit.follow import Follower
from tsgateway.audit.index import Query
from tsgateway.audit.keys import KeyProblem, PublicKey
from tsgateway.audit.segments import HEAD
from tsgateway.audit.verify import verify as verify_folder
from tsgateway.cli.options import with_config
from tsgateway.config import Config
from tsgateway.layout import Layout

BATCH = 1000


@click.group()
def audit() -> None:
    """Check and export the audit: who did what, when and where from."""


@audit.command()
@click.option("--key", type=click.Path(path_type=Path), help="The public key, kept elsewhere.")
@click.option(
    "--checkpoint", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A head.json that was kept elsewhere; it has to be part of the audit.",
)  # fmt: skip
@click.option("--folder", type=click.Path(path_type=Path), help="Another folder than the gateway's: a copy.")
@with_config
def verify(config: Config, key: Path | None, checkpoint: Path | None, folder: Path | None) -> None:
    """Tell whether the audit is as it was written, and where it is not.

    Exit status: 0 when it is, 1 when it was tampered with, 2 when it cannot be read.
    """
    where = folder or Layout.of(config).audit
    try:
        known = None if checkpoint is None else decode_signed(checkpoint.read_bytes(), "head")
        if checkpoint is not None and known is None:
            _end(f"{checkpoint} holds no checkpoint; it should be a copy of {HEAD}")
        public = None if key is None else PublicKey.read(key)
        report = verify_folder(where, key=public, known=known, progress=_progress)
    except (OSError, KeyProblem) as error:
        _end(str(error))
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
    for line in told(report):
        click.echo(line)
    sys.exit(0 if report.is_good else 1)


@audit.command()
@click.option("--format", "form", type=click.Choice([each.value for each in Form]), default="jsonl",
              show_default=True)  # fmt: skip
@click.option("--since", default="", metavar="TIME", help="As in 2026-08-24T17:42:00.000Z; UTC.")
@click.option("--until", default="", metavar="TIME", help="The same.")
@click.option("--who", default="", help="Only what this person did.")
@click.option("--kind", default="", help="Only this kind, as session.began, or what begins so, as session.")
@click.option("--after", type=click.IntRange(0), default=0, help="Only records with greater numbers.")
@with_config
def export(config: Config, /, form: str, after: int, **wanted: str) -> None:
    """Write records to standard output, the oldest first: as JSON lines, or as syslog (RFC 5424)."""
    query = Query(**wanted)
    host, process, out = socket.gethostname(), os.getpid(), sys.stdout.buffer
    try:
        follower = Follower(Layout.of(config).audit, after)
        while found := follower.take(BATCH):
            out.write(b"".join(exported(each, Form(form), query, host, process) for each in found))
    except BrokenPipeError:
        sys.exit(0)  # the reader has had enough
    except OSError as error:
        _end(str(error))


def told(report: Report) -> list[str]:
    """Return a report for people."""
    lines = []
    for each in report.findings:
        where = (
            f"{each.segment}, line {each.line}: " if each.line else f"{each.segment}: " * bool(each.segment)
        )
        lines.append(f"{where}{each.text} (expected: {each.expected})")
    if report.more:
        lines.append(f"… and {report.more} more")
    lines += [f"noted by the gateway: {kind}, {count} times" for kind, count in report.noted.items()]
    if report.unfinished:
        lines.append("the last line is unfinished: it is being written, or the gateway was killed")
    retired = f", {report.retired} older ones were retired" if report.retired else ""
    unsigned = f"; the last {report.unsigned} have no checkpoint yet" if report.unsigned else ""
    found = "good" if report.is_good else "TAMPERED WITH"
    lines.append(
        f"records {report.first} to {report.last}{retired}; {report.checkpoints} checkpoints{unsigned}"
    )
    return [*lines, found]


def _progress(count: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{count} records", nl=False, err=True)


def _end(why: str) -> None:
    click.echo(f"tsgateway: {why}", err=True)
    sys.exit(2)
