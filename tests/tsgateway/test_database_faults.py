"""What the store says when its database is gone, locked or hangs; and that it comes back by itself."""

import os
import signal
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.postgresql import Server
from tsgateway.config.models import DataSection
from tsgateway.errors import StartError
from tsgateway.store import Store, StoreBusy, StoreUnavailable, engine, open_store


@pytest.fixture
def file(tmp_path):
    return tmp_path / "db"


@pytest.fixture
def store(file):
    made = Store(file)
    made.add_user("ada", "hash", set(), 0)
    yield made
    made.close()


# ---- SQLite


def test_a_file_that_was_removed_is_missed_and_not_replaced_by_an_empty_one(store, file):
    away = file.with_name("away")
    file.rename(away)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match=r"db cannot be used: No such file.*; put it back"):
            store.user("ada")
    assert not file.exists()
    away.rename(file)
    assert store.user("ada").name == "ada"


def test_a_file_that_was_replaced_is_taken_up(store, file):
    with sqlite3.connect(file) as old, sqlite3.connect(file.with_name("copy")) as copy:
        old.backup(copy)
    store.add_user("bob", "hash", set(), 0)
    for name in ("db", "db-wal", "db-shm"):
        file.with_name(name).unlink(missing_ok=True)
    file.with_name("copy").rename(file)
    assert [user.name for user in store.all_users()] == ["ada"]


def test_what_is_locked_can_be_read_and_says_so_to_who_writes(store, file, monkeypatch):
    monkeypatch.setattr(engine, "SQLITE_WAIT_MILLISECONDS", 50)
    store.close()  # so that the next connection has that patience
    store.add_sign_in(b"1", "ada", 0)
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert store.user("ada").name == "ada"
        assert store.use_sign_in(b"1", 100, 1000, 1000).account.name == "ada"  # that it was used is not noted
        with pytest.raises(StoreBusy, match="in use by another process"):
            store.add_sign_in(b"2", "ada", 0)
        other.execute("ROLLBACK")
    store.add_sign_in(b"2", "ada", 0)
    other.close()


# ---- PostgreSQL


@pytest.fixture
def server():
    made = Server()
    try:
        yield made.start()
    finally:
        made.remove()


def opened(server, **options):
    return open_store(DataSection(database=server.database()), server.folder / "none", **options)


def test_a_server_that_was_stopped_is_missed_and_found_again(server):
    store = opened(server, alone=True)
    store.add_user("ada", "hash", set(), 0)
    server.stop()
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match=r"postgresql://tsgateway@/db1 cannot be used: "):
            store.user("ada")
    server.start()
    assert store.user("ada").name == "ada"
    store.close()


def test_a_connection_that_was_cut_between_two_calls_is_not_noticed(server):
    store = opened(server)
    store.add_user("ada", "hash", set(), 0)
    server.stop()
    server.start()
    assert store.user("ada").name == "ada"
    store.close()


def test_a_call_to_a_server_that_hangs_can_be_ended(server):
    store = opened(server)
    store.add_user("ada", "hash", set(), 0)
    failed = []

    def call():
        try:
            store.user("ada")
        except StoreUnavailable as error:
            failed.append(error)

    signal_all(server, signal.SIGSTOP)
    calling = threading.Thread(target=call)
    calling.start()
    while calling.is_alive():  # it may not have begun yet, and tries once more with a new connection
        store.interrupt()
        calling.join(0.1)
    assert len(failed) == 1
    signal_all(server, signal.SIGCONT)
    assert store.user("ada").name == "ada"
    store.close()


def signal_all(server, number):
    """To the server and to what it has forked, which answers each connection."""
    main = server.process.pid
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    for pid in (main, *map(int, children)):
        os.kill(pid, number)


def test_a_second_gateway_is_refused_and_commands_are_not(server):
    url = server.database()
    data = DataSection(database=url)
    first = open_store(data, server.folder / "none", alone=True)
    with pytest.raises(
        StartError, match=r"another gateway is using the database postgresql://tsgateway@/db1$"
    ):
        open_store(data, server.folder / "none", alone=True)
    open_store(data, server.folder / "none").close()
    first.close()
    open_store(data, server.folder / "none", alone=True).close()


def test_the_password_is_read_at_every_connection_and_never_shown(server, tmp_path):
    store = opened(server)
    with store._writing() as connection:
        connection.exec_driver_sql("ALTER ROLE tsgateway PASSWORD 'geheim'")
    store.close()
    control = server.folder / "data" / "pg_hba.conf"
    control.write_text("local all all scram-sha-256\n")
    server.stop()
    server.start()
    secret = tmp_path / "secret"
    secret.write_text("falsch\n")
    url = f"postgresql://tsgateway@/db1?host={server.folder}"
    data = DataSection(database=url, database_password_file=secret)
    with pytest.raises(StartError, match="password authentication failed") as error:
        open_store(data, tmp_path / "none")
    assert "falsch" not in str(error.value)
    secret.write_text("geheim\n")
    store = open_store(data, tmp_path / "none")
    assert store.all_users() == []
    assert "geheim" not in f"{store.name} {store._engine.url} {store._engine!r}"
    store.close()
    secret.unlink()
    with pytest.raises(StoreUnavailable, match=r"secret cannot be read: No such file"):
        store.all_users()


def test_no_server_is_one_sentence(tmp_path):
    data = DataSection(database=f"postgresql://me@/x?host={tmp_path}")
    with pytest.raises(
        StartError, match=r"the database postgresql://me@/x cannot be used: .*No such file"
    ) as error:
        open_store(data, tmp_path / "none")
    assert "\n" not in str(error.value)


def test_what_is_shown_of_a_url():
    assert (
        engine.shown(make_url("postgresql://me:geheim@db:5/x?sslpassword=geheim"))
        == "postgresql://me:***@db:5/x"
    )
