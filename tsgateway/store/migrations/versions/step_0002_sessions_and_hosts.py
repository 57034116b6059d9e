"""Sessions that run and have run, and what operators have set for session hosts."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables; older tsgateways refuse the database from now on, by the version they read."""
    op.create_table(
        "sessions",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("user", sa.String, nullable=False),
        sa.Column("desktop", sa.String, nullable=False),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("address", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("began", sa.Float, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.Column("ended", sa.Float),
        sa.Column("reason", sa.String, nullable=False),
    )
    op.create_index("ix_sessions_began", "sessions", ["began", "id"])
    op.create_index("ix_sessions_user", "sessions", ["user", "began", "id"])
    op.create_index("ix_sessions_desktop", "sessions", ["desktop", "began", "id"])
    op.create_index("ix_sessions_ended", "sessions", ["ended"])
    op.create_table(
        "hosts",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("weight", sa.Integer, nullable=False),
        sa.Column("mode", sa.String, nullable=False),
        sa.Column("changed", sa.Float, nullable=False),
    )
    op.execute("UPDATE schema_version SET version = 2")
