"""Databases of older versions become this one's."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tsgateway.store import migrate, open_store
from tsgateway.store.schema import VERSION, metadata

VERSION_1 = """
CREATE TABLE schema_version (version INTEGER NOT NULL);
CREATE TABLE users (
    id {serial} NOT NULL, name VARCHAR NOT NULL, password VARCHAR NOT NULL, enabled BOOLEAN NOT NULL,
    created {real} NOT NULL, PRIMARY KEY (id), UNIQUE (name)
);
CREATE TABLE memberships (
    user_id INTEGER NOT NULL, "group" VARCHAR NOT NULL, PRIMARY KEY (user_id, "group"),
    FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE TABLE sign_ins (
    token_hash {bytes} NOT NULL, user_id INTEGER NOT NULL, created {real} NOT NULL, used {real} NOT NULL,
    PRIMARY KEY (token_hash), FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX ix_sign_ins_user_id ON sign_ins (user_id);
INSERT INTO schema_version VALUES (1);
INSERT INTO users VALUES (1, 'ada', 'her hash', true, 5.5), (2, 'bob', 'his hash', true, 6.5);
INSERT INTO memberships VALUES (1, 'administrators'), (1, 'users'), (2, 'users');
INSERT INTO sign_ins VALUES ({token}, 1, 100.5, 100.5);
"""
"""What the first version made, and what people had put in."""
OPEN = """
import sys
from pathlib import Path
from tsgateway.config.models import DataSection
from tsgateway.store import open_store

data = DataSection.model_validate({"directory": sys.argv[1], "database": sys.argv[2] or None})
sys.stdin.readline()
store = open_store(data, Path(sys.argv[1]) / "tsgateway.db")
print(len(store.all_users()))
"""


def opened(data):
    return open_store(data, data.directory / "tsgateway.db")


def fill_as_version_1(data):
    if data.database is None:
        ddl = VERSION_1.format(serial="INTEGER", real="FLOAT", bytes="BLOB", token="x'01'")
        with sqlite3.connect(data.directory / "tsgateway.db") as connection:
            connection.executescript(ddl)
        connection.close()
        return
    ddl = VERSION_1.format(serial="SERIAL", real="FLOAT", bytes="BYTEA", token=r"'\x01'")
    engine = create_engine(make_url(data.database).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text(ddl))
    engine.dispose()


def test_a_database_of_the_first_version_is_taken_over_with_all_that_is_in_it(data):
    fill_as_version_1(data)
    store = opened(data)
    assert [(user.name, user.password, user.groups) for user in store.all_users()] == [
        ("ada", "her hash", ("administrators", "users")),
        ("bob", "his hash", ("users",)),
    ]
    assert store.use_sign_in(b"\x01", 101, 3600, 3600).account.name == "ada"
    assert store.history.page().sessions == []
    assert [(group.name, group.members) for group in store.groups.all()] == [
        ("administrators", 1),
        ("users", 2),
    ]
    with store._engine.connect() as connection:
        # So that the first version refuses it.
        assert connection.scalar(text("SELECT version FROM schema_version")) == VERSION
    store.close()


@pytest.mark.parametrize("begins", ["empty", "as version 1"])
def test_steps_and_tables_agree(data, begins):
    if begins != "empty":
        fill_as_version_1(data)
    store = opened(data)
    with store._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    store.close()


def test_the_steps_are_those_that_alembic_finds():
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).with_name("migrations")))
    steps = list(ScriptDirectory.from_config(config).walk_revisions())
    assert [step.revision for step in reversed(steps)] == list(migrate.STEPS)


def test_a_step_that_fails_leaves_the_database_as_it_was(data, monkeypatch):
    fill_as_version_1(data)

    def fail(*_):
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr("alembic.operations.Operations.execute", fail)  # the last thing that a step does
        with pytest.raises(ZeroDivisionError):
            opened(data)
    store = opened(data)
    assert store.history.page().sessions == []
    assert len(store.all_users()) == 2
    store.close()


@pytest.mark.parametrize("begins", ["empty", "as version 1"])
def test_several_that_start_at_once_are_safe(data, begins):
    if begins != "empty":
        fill_as_version_1(data)
    command = [sys.executable, "-c", OPEN, str(data.directory), data.database or ""]
    starting = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(3)
    ]
    for each in starting:
        each.stdin.write(b"go\n")
        each.stdin.flush()
    said = [each.communicate(timeout=120)[0].decode() for each in starting]
    assert said == [("0\n", "2\n")[begins != "empty"]] * 3


def test_alembic_is_not_imported_when_there_is_nothing_to_do(data):
    opened(data).close()
    script = OPEN + "assert 'alembic' not in sys.modules"
    command = [sys.executable, "-c", script, str(data.directory), data.database or ""]
    done = subprocess.run(command, input="go\n", text=True, capture_output=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")
