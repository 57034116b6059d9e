"""Accounts from elsewhere, second factors, groups of their own, and how people signed in."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_NO = sa.false()


def upgrade() -> None:
    """Add the columns and tables; groups that accounts are in become rows of their own."""
    for column in (
        sa.Column("display_name", sa.String, nullable=False, server_default=""),
        sa.Column("source", sa.String, nullable=False, server_default="local"),
        sa.Column("source_key", sa.String),
        sa.Column("must_change", sa.Boolean, nullable=False, server_default=_NO),
        sa.Column("totp", sa.LargeBinary),
        sa.Column("totp_step", sa.Integer),
    ):
        op.add_column("users", column)
    op.create_index("ix_users_source", "users", ["source", "source_key"], unique=True)
    op.add_column("memberships", sa.Column("source", sa.String, nullable=False, server_default="local"))
    op.add_column("sign_ins", sa.Column("method", sa.String, nullable=False, server_default="password"))
    op.add_column("sign_ins", sa.Column("address", sa.String, nullable=False, server_default=""))
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("hash", sa.LargeBinary, primary_key=True),
    )
    groups = op.create_table(
        "groups",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("description", sa.String, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
    )
    op.bulk_insert(
        groups,
        [
            {"name": "administrators", "description": "May do everything", "created": 0.0},
            {"name": "users", "description": "Everybody", "created": 0.0},
        ],
    )
    op.execute(
        "INSERT INTO groups (name, description, created) SELECT DISTINCT \"group\", '', 0.0 FROM memberships "
        "WHERE \"group\" NOT IN ('administrators', 'users')"
    )
