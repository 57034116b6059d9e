"""Writes docs/tsadmin.md and man pages from the commands themselves.

python -m tsgateway.admin.reference docs/tsadmin.md
python -m tsgateway.admin.reference man/ --man
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from tsgateway.admin.command import PLACE, Command, Group
from tsgateway.admin.errors import EXIT_CODES
from tsgateway.admin.main import ALIASES, COMMANDS, main

BEGIN, END = "<!-- made by tsgateway.admin.reference -->", "<!-- end -->"
_QUOTED = re.compile(r"`([^`]*)`")


class Entry(NamedTuple):
    """A command. words: what it is called by; also: what else."""

    words: str
    command: Command
    also: str = ""


def entries() -> Iterator[tuple[str, list[Entry]]]:
    """Yield every topic and its commands."""
    ctx = click.Context(main, info_name="tsadmin")
    for name in COMMANDS:
        found = main.get_command(ctx, name)
        if isinstance(found, Group):
            inner = [(f"{name} {each}", found.commands[each]) for each in found.commands]
        else:
            inner = [(name, found)] if found is not None else []
        yield name, [Entry(words, each, _also(words)) for words, each in inner if isinstance(each, Command)]


def _also(words: str) -> str:
    return ", ".join(alias for alias, meant in ALIASES.items() if " ".join(meant) == words)


def markdown() -> list[str]:
    """Return the reference as lines of Markdown."""
    lines = [
        "| every command has | |",
        "|---|---|",
        *(f"| `--{key.replace('_', '-')} {metavar}` | {text} |" for key, (metavar, text) in PLACE.items()),
        "| `--json` | As JSON, for programs; those that write raw output have it not. |",
        "",
        "| exit code | |",
        "|---|---|",
        *(f"| {code} | {text} |" for code, text in EXIT_CODES),
    ]
    for name, commands in entries():
        lines += ["", f"### {name}", "", COMMANDS[name][2]]
        for each in commands:
            lines += _markdown_of(each)
    return lines


def _markdown_of(entry: Entry) -> list[str]:
    usage = f"tsadmin {entry.words} {_arguments(entry.command)}".rstrip()
    lines = ["", f"#### `{usage}`", ""]
    if entry.also:
        lines += [f"Also: `{entry.also}`", ""]
    lines += [*_paragraphs(entry.command)]
    if options := _options(entry.command):
        lines += ["", "| option | |", "|---|---|"]
        lines += [f"| `{names}` | {text.replace('|', chr(92) + '|')} |" for names, text in options]
    lines += ["", "```sh"]
    widest = max(len(line) for line, _ in entry.command.examples)
    lines += [f"{line:{widest}}  # {text}" for line, text in entry.command.examples]
    return [*lines, "```"]


def _paragraphs(command: Command) -> list[str]:
    return inspect.cleandoc(command.help or "").splitlines()


def _arguments(command: Command) -> str:
    ctx = click.Context(command)
    return " ".join(
        piece
        for param in command.params
        if isinstance(param, click.Argument)
        for piece in param.get_usage_pieces(ctx)
    )


def _options(command: Command) -> list[tuple[str, str]]:
    ctx = click.Context(command)
    records = [
        param.get_help_record(ctx)
        for param in command.params
        if isinstance(param, click.Option) and param.name not in (*PLACE, "as_json")
    ]
    return [record for record in records if record is not None]


# ---- man pages: man(7)


def man_pages() -> dict[str, str]:
    """Return the man pages by file name: tsadmin itself, and one for each command."""
    pages = {"tsadmin.1": _man_of_all()}
    for name, commands in entries():
        pages[f"tsadmin-{name}.1"] = _man_of_topic(name, commands)
    return pages


def _man_of_all() -> str:
    lines = _head("tsadmin", "the administrator's commands of tsgateway")
    lines += [".SH SYNOPSIS", ".B tsadmin", r"[\fIOPTIONS\fR] \fICOMMAND\fR ..."]
    lines += [".SH DESCRIPTION", *_roff(inspect.cleandoc(main.help or "").splitlines())]
    lines += [".SH COMMANDS"]
    for name, (_, _, text) in COMMANDS.items():
        lines += [".TP", rf"\fBtsadmin\-{_escaped(name)}\fR(1)", _escaped(text)]
    lines += [".SH KNOWN FROM WINDOWS"]
    for alias, words in ALIASES.items():
        lines += [".TP", rf"\fB{_escaped(alias)}\fR", _escaped(f"tsadmin {' '.join(words)}")]
    return _text([*lines, *_common()])


def _man_of_topic(name: str, commands: Sequence[Entry]) -> str:
    lines = _head(f"tsadmin-{name}", COMMANDS[name][2].rstrip("."))
    lines += [".SH SYNOPSIS"]
    for each in commands:
        lines += [
            rf"\fBtsadmin {_escaped(each.words)}\fR {_escaped(_arguments(each.command))} [\fIOPTIONS\fR]",
            ".br",
        ]
    lines += [".SH DESCRIPTION"]
    for each in commands:
        lines += [f'.SS "tsadmin {_escaped(each.words)}"', *_roff(_paragraphs(each.command))]
        for names, text in _options(each.command):
            lines += [".TP", rf"\fB{_escaped(names)}\fR", *_roff([text])]
        lines += [".PP", "Examples:"]
        for line, text in each.command.examples:
            lines += [".TP", _escaped(line), *_roff([text])]
    return _text([*lines, *_common()])


def _common() -> list[str]:
    lines = [".SH WHICH GATEWAY"]
    for key, (metavar, text) in PLACE.items():
        lines += [".TP", rf"\fB\-\-{_escaped(key.replace('_', '-'))}\fR \fI{metavar}\fR", _escaped(text)]
    lines += [".SH EXIT STATUS"]
    for code, text in EXIT_CODES:
        lines += [".TP", rf"\fB{code}\fR", _escaped(text)]
    return [*lines, ".SH SEE ALSO", r"\fBtsadmin\fR(1)"]


def _head(name: str, about: str) -> list[str]:
    return [
        f'.TH {_escaped(name.upper())} 1 "" tsgateway',
        ".SH NAME",
        rf"{_escaped(name)} \- {_escaped(about)}",
    ]


def _roff(lines: Sequence[str]) -> list[str]:
    """Return paragraphs as man(7) has them."""
    return [".PP" if not line.strip() else _escaped(line.strip()) for line in lines]


def _escaped(text: str) -> str:
    text = _QUOTED.sub(r"\1", text).replace("\\", r"\e").replace("-", r"\-")
    text = "".join(letter if letter.isascii() else f"\\[u{ord(letter):04X}]" for letter in text)
    return rf"\&{text}" if text[:1] in (".", "'") else text


def _text(lines: Sequence[str]) -> str:
    return "\n".join([*lines, ""])


def with_reference(page: str) -> str:
    """Return a page with the reference of today between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return "\n".join([before + BEGIN, *markdown(), END + after])


def run(arguments: Sequence[str]) -> None:
    """Write what the command line says."""
    place = Path(arguments[0])
    if "--man" in arguments:
        place.mkdir(parents=True, exist_ok=True)
        for name, page in man_pages().items():
            (place / name).write_text(page)
    else:
        place.write_text(with_reference(place.read_text()))


if __name__ == "__main__":
    run(sys.argv[1:])
