"""Brings a database to this version's schema, by the steps in `migrations/`.

Alembic takes a third of a second to import, so it is asked only when there is something to do. Two that
start at once are safe: the second waits for the first one's transaction, and then finds nothing to do.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, func, inspect, select, text

from tsgateway.errors import StartError
from tsgateway.store.schema import VERSION, schema_version

STEPS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""All there are, the oldest first."""
WAIT_MILLISECONDS = 20_000
"""For another process that migrates."""
_LOCK = 0x7467_6D69
"""The advisory lock in PostgreSQL that a migration holds."""


def migrate(engine: Engine, writing: Engine, name: str) -> None:
    """Bring the database up to date. Raises StartError for a newer one.

    writing: the same engine, whose transactions may write from their beginning. name: for the sentence.
    """
    with engine.connect() as connection:
        if _step(connection, name) == STEPS[-1]:
            return
    from alembic import command
    from alembic.config import Config

    with writing.connect() as connection:
        _be_alone(connection)
        step = _step(connection, name)
        config = Config()
        config.set_main_option(
            "script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%")
        )
        config.attributes["connection"] = connection
        if step == "" and inspect(connection).has_table(schema_version.name):
            command.stamp(config, STEPS[0])
        if step != STEPS[-1]:
            command.upgrade(config, "head")
        connection.commit()
        if connection.dialect.name == "sqlite":
            connection.invalidate()  # its patience was for this


def _step(connection: Connection, name: str) -> str:
    """Return the last step that was made; "" for none, or for a database from before steps had names."""
    tables = inspect(connection).get_table_names()
    step, version = "", 0
    if "alembic_version" in tables:
        step = connection.scalar(text("SELECT version_num FROM alembic_version")) or ""
    if schema_version.name in tables:
        version = connection.scalar(select(func.max(schema_version.c.version))) or 0
    newer = step if step not in ("", *STEPS) else str(version) if version > VERSION else ""
    if newer:
        raise StartError(
            f"the database {name} is from a newer tsgateway (schema {newer}, this one knows {STEPS[-1]}); "
            "start that version"
        )
    return step


def _be_alone(connection: Connection) -> None:
    """Begin a transaction that keeps other migrations waiting."""
    if connection.dialect.name == "sqlite":
        raw = connection.connection.driver_connection
        if raw is not None:
            raw.execute(f"PRAGMA busy_timeout={WAIT_MILLISECONDS}")
        connection.begin()
    else:
        connection.execute(text(f"SET LOCAL statement_timeout = {WAIT_MILLISECONDS}"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
