"""The commands' own documents, and how they are found: help, docs/tsadmin.md, man pages, completion."""

from __future__ import annotations

import itertools
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from tests.tsgateway.admin.shell import ROOT, Shell
from tests.tsgateway.support import World
from tsgateway.admin import reference
from tsgateway.admin.command import PLACE, Command
from tsgateway.admin.main import ALIASES, COMMANDS, main

MAN = {"PATH": "/usr/bin:/bin", "MANWIDTH": "200", "LANG": "C.UTF-8"}
SHELL = ("|", ">", "<", "&&")


def everything() -> list[reference.Entry]:
    return [each for _, found in reference.entries() for each in found]


def test_every_command_has_help_examples_and_the_options_of_all():
    found = everything()
    assert len(found) > 60
    for words, command, _ in found:
        assert isinstance(command, Command), words
        assert command.help, words
        assert command.examples, words
        names = {param.name for param in command.params}
        assert names >= set(PLACE), words
        for line, text in command.examples:
            assert text, words
            assert "tsadmin" in line or line.split()[0] in ALIASES, line


def test_examples_can_be_typed():
    """Each is understood by the command it is for, up to the shell's own signs."""
    for _, command, _ in everything():
        for line, _ in command.examples:
            words = list(itertools.takewhile(lambda word: word not in SHELL, shlex.split(line)))
            if words[0] == "eval":
                continue
            words = words[1:] if words[0] == "tsadmin" else words
            ctx = main.make_context("tsadmin", words, resilient_parsing=False)
            group, rest = main, [*ctx._protected_args, *ctx.args]
            while isinstance(group, click.Group):
                _, group, rest = group.resolve_command(ctx, rest)
            found = group.make_parser(click.Context(group)).parse_args(rest)
            assert found[0] is not None, line


def test_the_list_of_commands_is_as_they_are():
    ctx = click.Context(main)
    for name in (*COMMANDS, *ALIASES):
        assert main.get_command(ctx, name) is not None, name


def test_the_page_is_current():
    page = (ROOT / "docs" / "tsadmin.md").read_text()
    assert reference.with_reference(page) == page, "python -m tsgateway.admin.reference docs/tsadmin.md"


def test_man_pages_are_made_and_read_without_a_warning(tmp_path: Path):
    reference.run([str(tmp_path), "--man"])
    pages = sorted(tmp_path.iterdir())
    assert len(pages) == len(COMMANDS) + 1
    for page in pages:
        made = subprocess.run(
            ["man", "--warnings=all", "-E", "UTF-8", "-l", str(page)],
            capture_output=True, text=True, check=True, env=MAN,
        )  # fmt: skip
        assert made.stderr == "", page
        assert "EXIT STATUS" in made.stdout
    assert "qwinsta" in (tmp_path / "tsadmin.1").read_text()


async def completed(shell: Shell, line: str, kind: str = "bash") -> list[str]:
    words = line.split(" ")
    environment = {
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_TSADMIN_COMPLETE": f"{kind}_complete",
    }
    return (await shell.run(environment=environment)).lines


@pytest_twisted.ensureDeferred
async def test_a_shell_completes_commands_and_what_the_gateway_knows(world: World, shell: Shell):
    assert "plain,qwinsta" in await completed(shell, "tsadmin q")
    assert await completed(shell, "tsadmin query us") == ["plain,user"]
    assert "plain,--all" in await completed(shell, "tsadmin logoff --")
    await (await world.sign_in("bob")).ticket()
    assert await completed(shell, "tsadmin logoff ") == ["plain,1", "plain,bob"]
    assert await completed(shell, "tsadmin logoff b") == ["plain,bob"]
    assert await completed(shell, "tsadmin disk reset mi") == ["plain,mine"]
    assert await completed(shell, "tsadmin user show a") == ["plain,ada"]
    shell.config.write_text('data.directory = "/no/such"')
    assert await completed(shell, "tsadmin logoff ") == [""]


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
async def test_completion_scripts(shell: Shell, kind: str):
    script = (await shell.run("completion", kind)).out
    assert "_TSADMIN_COMPLETE" in script
    if kind == "bash":
        await deferToThread(subprocess.run, ["bash", "-nc", script], check=True)


@pytest_twisted.ensureDeferred
async def test_tsgateway_admin_is_the_same(world: World, shell: Shell):
    command = [sys.executable, "-m", "tsgateway.cli.main", "admin", "query", "session"]
    ran = await deferToThread(subprocess.run, command, env=shell.environment, capture_output=True, text=True)
    assert (ran.stdout, ran.returncode) == ("Nobody has a session.\n", 0), ran
    ran = await deferToThread(
        subprocess.run, [*command, "99"], env=shell.environment, capture_output=True, text=True
    )
    assert (ran.stderr, ran.returncode) == ("tsadmin: no session 99; there are no sessions\n", 1)


def test_nothing_slow_is_imported_for_a_start():
    code = (
        "import sys; sys.argv = ['tsadmin', '--help']\n"
        "from tsgateway.admin.main import main\n"
        "try: main(['qwinsta', '--config', '/no/such'])\n"
        "except SystemExit: pass\n"
        "print(*(name for name in ('pydantic', 'twisted', 'sqlalchemy', 'numpy', 'cryptography')"
        " if name in sys.modules))"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert made.stdout.split() == [], made.stdout
