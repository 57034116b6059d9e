"""The tables as this version wants them; `migrations/` is how older databases become so."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    false,
)

VERSION = 3
"""What `schema_version` says. Versions from before migrations had names read it, and refuse a newer one."""

metadata = MetaData()

schema_version = Table("schema_version", metadata, Column("version", Integer, nullable=False))

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("password", String, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created", Float, nullable=False),
    Column("display_name", String, nullable=False, server_default=""),
    Column("source", String, nullable=False, server_default="local"),
    Column("source_key", String),
    Column("must_change", Boolean, nullable=False, server_default=false()),
    Column("totp", LargeBinary),
    Column("totp_step", Integer),
    Index("ix_users_source", "source", "source_key", unique=True),
)
"""source: who checks them, "local" or an authenticator's name; source_key: what it calls them, for ever.
totp: the second factor's secret, encrypted; totp_step: the last step whose code was used (30 s each)."""

memberships = Table(
    "memberships",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("group", String, primary_key=True),
    Column("source", String, nullable=False, server_default="local"),
)
"""source: who put them in; what an authenticator says replaces what it said before, and nothing else."""

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created", Float, nullable=False),
    Column("used", Float, nullable=False),
    Column("method", String, nullable=False, server_default="password"),
    Column("address", String, nullable=False, server_default=""),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String, primary_key=True),
    Column("user", String, nullable=False),
    Column("desktop", String, nullable=False),
    Column("host", String, nullable=False),
    Column("address", String, nullable=False),
    Column("state", String, nullable=False),
    Column("began", Float, nullable=False),
    Column("since", Float, nullable=False),
    Column("ended", Float),
    Column("reason", String, nullable=False),
    Index("ix_sessions_began", "began", "id"),
    Index("ix_sessions_user", "user", "began", "id"),
    Index("ix_sessions_desktop", "desktop", "began", "id"),
    Index("ix_sessions_ended", "ended"),
)
"""Sessions that run and have run. No foreign key: who deletes an account does not rewrite what has been."""

hosts = Table(
    "hosts",
    metadata,
    Column("name", String, primary_key=True),
    Column("weight", Integer, nullable=False),
    Column("mode", String, nullable=False),
    Column("changed", Float, nullable=False),
)
"""What operators have set for session hosts, and under the name "all" for the whole gateway."""

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", String, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("roles", String),
    Column("read_only", Boolean, nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float),
    Column("used", Float),
)
"""What programs sign in with. roles: JSON, a list of names; NULL: all that the account has."""

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", LargeBinary, primary_key=True),
)
"""What lets somebody in who has lost the second factor; each once."""

groups = Table(
    "groups",
    metadata,
    Column("name", String, primary_key=True),
    Column("description", String, nullable=False),
    Column("created", Float, nullable=False),
)

policies = Table(
    "policies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("position", Integer, nullable=False),
    Column("name", String, nullable=False, unique=True),
    Column("body", String, nullable=False),
    Column("changed", Float, nullable=False),
    Column("changed_by", String, nullable=False),
)
"""Policies, each kind in an order of its own. body: a JSON table (tsgateway/policy/policies.py)."""

policy_revision = Table("policy_revision", metadata, Column("revision", Integer, nullable=False))
"""One row: how often policies were changed. Who saves says which revision was looked at."""

policy_decisions = Table(
    "policy_decisions",
    metadata,
    Column("reference", String, primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("body", String, nullable=False),
)
"""What reference numbers stand for, for a while. body: a JSON table (tsgateway/access/desk.py)."""

favourites = Table(
    "favourites",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("desktop", String, primary_key=True),
)
"""Desktops that people marked for themselves, by name; one may not be published any more."""

role_grants = Table(
    "role_grants",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("role", String, nullable=False),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), index=True),
    Column("group", String, index=True),
    Column("desktop", String),
)
"""Roles of people and groups: one of user_id and group is set. desktop: the one it is for; NULL: all."""

invitations = Table(
    "invitations",
    metadata,
    Column("id", String, primary_key=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("session", String, nullable=False, index=True),
    Column("desktop", String, nullable=False),
    Column("user", String, nullable=False),
    Column("control", Boolean, nullable=False),
    Column("anybody", Boolean, nullable=False),
    Column("ask", Boolean, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
)
"""Links that let others look on at a session. hash: of the secret in the link."""

invitation_guests = Table(
    "invitation_guests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("invitation_id", ForeignKey("invitations.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("user", String, nullable=False),
    Column("name", String, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("came", Float, nullable=False),
)
"""Who has come by one. user: "" for who has no account; hash: of what they may come again with."""
