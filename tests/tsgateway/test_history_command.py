"""`tsgateway session history` and `tsgateway host`, without a gateway, on each database."""

import datetime
import json
import time

import pytest
from click.testing import CliRunner

from tsgateway.cli.main import main
from tsgateway.drain import DrainMode
from tsgateway.store import Ran, open_store

NOW = time.time()


@pytest.fixture
def tsgateway(data, tmp_path):
    """Runs a command; returns what it says."""
    config = tmp_path / "c.toml"
    database = "" if data.database is None else f'database = "{data.database}"\n'
    config.write_text(f'[data]\ndirectory = "{data.directory}"\n{database}[hosts]\ncount = 2\n')

    def run(*arguments, status=0):
        done = CliRunner().invoke(main, [*arguments, "--config", str(config)])
        assert done.exit_code == status, done.output
        return done.output

    return run


@pytest.fixture
def store(data):
    made = open_store(data, data.directory / "tsgateway.db")
    yield made
    made.close()


def ran(number, user="ada", **more):
    began = NOW - 3600 * number
    return Ran(f"{number:032x}", user, "one", "0", "192.0.2.1", "active", began, began)._replace(**more)


def test_history_in_pages_and_by_what_is_asked(tsgateway, store):
    assert tsgateway("session", "history") == "There are no such sessions.\n"
    store.history.note(
        [
            ran(0),
            ran(1, "bob", ended=NOW, state="ended", reason="It \x1b[31mburnt."),
            ran(30, desktop="two"),
        ]
    )
    said = tsgateway("session", "history", "--limit", "2").splitlines()
    assert [line.split()[:1] for line in said[:1]] == [["BEGAN"]]
    assert "ada" in said[1]
    assert "active" in said[1]
    assert "bob" in said[2]
    assert "It  [31mburnt." in said[2]  # nothing that a terminal would take for a command
    after = said[3].rpartition(" ")[2]
    rest = json.loads(tsgateway("session", "history", "--after", after, "--json"))
    assert [row["desktop"] for row in rest["sessions"]] == ["two"]
    assert rest["after"] is None

    def users(*wanted):
        found = json.loads(tsgateway("session", "history", "--json", *wanted))
        return [row["user"] for row in found["sessions"]]

    assert users("--since", "90m") == ["ada", "bob"]
    assert users("--since", "2d", "--desktop", "two") == ["ada"]
    assert users("--user", "bob") == ["bob"]
    tomorrow = datetime.date.today() + datetime.timedelta(days=1)
    assert users("--since", str(tomorrow)) == []
    assert "is no time" in tsgateway("session", "history", "--since", "yesterday", status=2)
    assert "not what a page ends with" in tsgateway("session", "history", "--after", "x", status=2)


def test_hosts_are_set_without_a_gateway(tsgateway, store):
    assert "The gateway starts no new sessions from now on." in tsgateway("host", "drain")
    said = tsgateway("host", "enable", "1")
    assert "Host 1 takes everybody on" in said
    assert "The whole gateway is set to drain, though" in said
    assert {name: setting.mode for name, setting in store.hosts.all().items()} == {
        "all": DrainMode.DRAIN,
        "1": DrainMode.ENABLE,
    }
    tsgateway("host", "enable")
    assert "weight 7 from the next" in tsgateway("host", "weight", "0", "7")
    listed = json.loads(tsgateway("host", "list", "--json"))
    assert [(row["host"], row["state"], row["points"]) for row in listed] == [
        (1, "asleep", 80),
        (0, "asleep", 5.6),
    ]
    tsgateway("host", "weight", "0", "10001", status=2)
    tsgateway("host", "disable", "7", status=2)
