"""Invitations to sessions, and who has come by them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "invitations",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("session", sa.String, nullable=False),
        sa.Column("desktop", sa.String, nullable=False),
        sa.Column("user", sa.String, nullable=False),
        sa.Column("control", sa.Boolean, nullable=False),
        sa.Column("anybody", sa.Boolean, nullable=False),
        sa.Column("ask", sa.Boolean, nullable=False),
        sa.Column("uses", sa.Integer, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
    )
    op.create_index("ix_invitations_session", "invitations", ["session"])
    op.create_table(
        "invitation_guests",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "invitation_id",
            sa.String,
            sa.ForeignKey("invitations.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("user", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("came", sa.Float, nullable=False),
    )
    op.create_index("ix_invitation_guests_invitation_id", "invitation_guests", ["invitation_id"])
