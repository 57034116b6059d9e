"""`tsadmin audit`: what was done, by whom, when and from where; and whether that was tampered with."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import click

from tsgateway.admin.command import Gateway, Group, Said, command, note
from tsgateway.admin.errors import CANNOT, DONE
from tsgateway.admin.names import ACCOUNT
from tsgateway.admin.sessions import moment_of
from tsgateway.admin.text import clean, count, table
from tsgateway.client.unset import UNSET

Json = Mapping[str, Any]
MAX_PAGE = 500
EVERY = 1.0
"""Seconds between two looks of `tail`."""
LOOK_EVERY = 0.2
"""And of `verify`."""

Command = Callable[..., Any]


def _sought(function: Command) -> Command:
    """Add the options that say what is looked for."""
    for option in (
        click.option("--outcome", default="", help="Only with this outcome: ok, refused, …"),
        click.option("--target", default="", help="Only about this: a session, an account, a desktop."),
        click.option("--kind", default="", help="Only of this kind, `session.began`, or its first word."),
        click.option("--who", type=ACCOUNT, default="", help="Only what this account did."),
        click.option("--until", help="Not after then."),
        click.option(
            "--since", help="Not before then: `90m`, `12h`, `7d` ago, or a time `2030-12-31T08:00`."
        ),
    ):
        function = option(function)
    return function


def _query(since: str | None, until: str | None, **words: str) -> dict[str, Any]:
    times = {"since": since, "until": until}
    told = {key: _iso(value) for key, value in times.items() if value}
    return {**told, **{key: value for key, value in words.items() if value}}


def _iso(text: str) -> str:
    return (
        datetime.fromtimestamp(moment_of(text), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


@command(
    "search",
    examples=(
        ("tsadmin audit search --who user1 --since 7d", "what user1 did in the last week"),
        ("tsadmin audit search --kind sign-in.refused", "who was not let in"),
        ("tsadmin audit search kill firefox", "records with both words in them"),
    ),
)
@click.argument("words", nargs=-1)
@_sought
@click.option("--limit", type=click.IntRange(1, MAX_PAGE), default=50, show_default=True, help="How many.")
@click.option(
    "--before", type=click.IntRange(1), help="Go on before this record, with which the last page ended."
)
def search(
    gateway: Gateway, *, words: tuple[str, ...], limit: int, before: int | None, **sought: Any
) -> Said:
    """Look for records of the audit, the newest first.

    WORDS: beginnings of words, all of which a record has.
    """
    told = gateway.client.search_audit(
        **_query(**sought), text=" ".join(words), limit=limit, before=UNSET if before is None else before
    )
    if not told["records"]:
        return Said(told, ["There are no such records."])
    if told["next"] is not None:
        note(f"There are more: --before {told['next']}")
    return Said(told, _lines(told["records"]), head=True)


@command("tail", examples=(("tsadmin audit tail", "the last records, and what is noted from now on"),))
@_sought
@click.option(
    "--lines",
    "-n",
    type=click.IntRange(0, MAX_PAGE),
    default=10,
    show_default=True,
    help="So many old ones.",
)
@click.option("--no-follow", is_flag=True, help="Only the old ones.")
def tail(gateway: Gateway, *, lines: int, no_follow: bool, **sought: Any) -> Iterator[Said]:
    """Show the last records of the audit, and go on with what is noted, until Ctrl-C."""
    query = _query(**sought)
    newest = gateway.client.search_audit(limit=1)["records"]
    last = newest[0]["seq"] if newest else 0
    for record in reversed(gateway.client.search_audit(**query, limit=max(lines, 1))["records"][:lines]):
        yield Said(record, [_line(record)])
    while not no_follow:
        time.sleep(EVERY)
        for text in gateway.client.export_audit(**query, after=last):
            record = json.loads(text)
            last = max(last, record["seq"])
            yield Said(record, [_line(record)])


@command(
    "export",
    as_json=False,
    examples=(
        ("tsadmin audit export --since 30d > audit.jsonl", "the last month, as JSON lines"),
        ("tsadmin audit export --form syslog | logger --rfc5424", "as syslog has it (RFC 5424)"),
    ),
)
@_sought
@click.option(
    "--form", type=click.Choice(["jsonl", "syslog"]), default="jsonl", show_default=True, help="How."
)
@click.option(
    "--after", type=click.IntRange(0), default=0, help="Only records with greater numbers than this."
)
def export(gateway: Gateway, *, form: str, after: int, **sought: Any) -> None:
    """Write all records of the audit that fit, the oldest first, one a line."""
    for line in gateway.client.export_audit(**_query(**sought), form=form, after=after):
        click.echo(line)


@command(
    "verify", examples=(("tsadmin audit verify && echo fine", "whether a record was changed or is missing"),)
)
def verify(gateway: Gateway) -> Said:
    """Check the whole audit: the chain of its records, and the signatures of its checkpoints.

    What was edited, deleted, put in another order or cut off at the end is told, with its place. The exit
    code is 1 then. docs/audit.md tells what the findings mean.
    """
    check = gateway.client.verify_audit()
    while check["state"] == "running":
        time.sleep(LOOK_EVERY)
        check = gateway.client.show_audit_check()
    if check["state"] == "good":
        return Said(check, _good(check))
    lines = [_finding(each) for each in check["findings"]]
    if check["more"]:
        lines.append(f"And {count(check['more'], 'finding')} more.")
    if check["failed"]:
        lines.append(f"The check could not be finished: {clean(check['failed'])}")
    return Said(check, [*lines, "The audit is not as it was written."], status=CANNOT)


@command(
    "key",
    examples=(("tsadmin audit key > audit.pem", "kept elsewhere, it shows whether the key was replaced"),),
)
def key(gateway: Gateway) -> Said:
    """Show the public key that the audit's checkpoints are signed for, as PEM."""
    told = gateway.client.show_audit_key()
    return Said(told, told["key"].splitlines(), status=DONE)


audit = Group("audit", search, tail, verify, export, key, help="Search, follow, check and export the audit.")


def _good(check: Json) -> list[str]:
    lines = [
        f"The audit is whole: records {check['first']} to {check['last']}, "
        f"{count(check['checkpoints'], 'signed checkpoint')}."
    ]
    if check["retired"]:
        lines.append(f"{count(check['retired'], 'older record')} were retired, by rule.")
    if check["unsigned"]:
        lines.append(f"Behind the last checkpoint stand {count(check['unsigned'], 'record')}.")
    return lines


def _finding(finding: Json) -> str:
    return f"{clean(finding['segment'])}, line {finding['line']}: {clean(finding['text'])}"


def _lines(records: Iterable[Json]) -> list[str]:
    return table("TIME|KIND|WHO|FROM|TARGET|OUTCOME|DETAILS", map(_cells, records))


def _cells(record: Json) -> tuple[object, ...]:
    details = " ".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in record["details"].items()
    )
    return (
        _local(record["time"]), record["kind"], record["who"], record["address"], record["target"],
        record["outcome"], details,
    )  # fmt: skip


def _line(record: Json) -> str:
    return "  ".join(clean(cell) for cell in _cells(record) if cell)


def _local(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return text
