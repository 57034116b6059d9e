"""Policies, what they decided, and roles.

The first policies let in whomever desktops are given to, as before.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ANYBODY = {"effect": "allow", "enabled": True, "users": ["*"], "groups": [], "when": None}
EVERYBODY = {
    "name": "Everybody",
    "kind": "connection",
    **ANYBODY,
    "networks": [],
    "methods": [],
    "doors": [],
    "redirections": {
        "clipboard_in": True,
        "clipboard_out": True,
        "files": True,
        "audio": True,
        "printing": True,
    },
    "limits": {"idle_minutes": 0, "session_minutes": 0},
}
AS_CONFIGURED = {"name": "Desktops as configured", "kind": "resource", **ANYBODY, "desktops": ["*"]}


def upgrade() -> None:
    """Make the tables, and the policies of an installation that has none."""
    policies = op.create_table(
        "policies",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False, unique=True),
        sa.Column("body", sa.String, nullable=False),
        sa.Column("changed", sa.Float, nullable=False),
        sa.Column("changed_by", sa.String, nullable=False),
    )
    op.bulk_insert(
        policies,
        [
            {
                "kind": table["kind"],
                "position": 0,
                "name": table["name"],
                "body": json.dumps(table),
                "changed": 0.0,
                "changed_by": "",
            }
            for table in (EVERYBODY, AS_CONFIGURED)
        ],
    )
    counter = op.create_table("policy_revision", sa.Column("revision", sa.Integer, nullable=False))
    op.bulk_insert(counter, [{"revision": 1}])
    op.create_table(
        "policy_decisions",
        sa.Column("reference", sa.String, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("body", sa.String, nullable=False),
    )
    op.create_index("ix_policy_decisions_at", "policy_decisions", ["at"])
    op.create_table(
        "role_grants",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE")),
        sa.Column("group", sa.String),
        sa.Column("desktop", sa.String),
    )
    op.create_index("ix_role_grants_user_id", "role_grants", ["user_id"])
    op.create_index("ix_role_grants_group", "role_grants", ["group"])
