"""Alembic runs this: migrate over the connection it was given, in the transaction that is open there."""

from alembic import context

from tsgateway.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
