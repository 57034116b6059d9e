"""Actions, roles and what each role may do. Pure.

A role is granted to a person or a group, for every desktop or for one of them. What nobody's role has is
allowed by other rights only, or not at all (`tsgateway/policy/rules.py`).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import NamedTuple


class Action(enum.Enum):
    """What a subject wants to do."""

    # to desktops and sessions
    SEE = "see"
    """Find a desktop in the list."""
    CONNECT = "connect"
    """Start or resume a session of a desktop."""
    VIEW = "view"
    """Attach a viewer to a session and control it."""
    LIST = "list"
    """Find a session in the list of everybody's sessions."""
    DISCONNECT = "disconnect"
    """Disconnect a session from everybody who looks at it."""
    LOG_OFF = "log-off"
    """End a session; its guest may shut down first."""
    RESET = "reset"
    """End a session and its guest at once."""
    MEASURE = "measure"
    """Read where a session's time goes."""
    INSPECT = "inspect"
    """Read what a session's guest is, and what runs in it."""
    REVIEW = "review"
    """Read which sessions somebody has had."""
    MESSAGE = "message"
    """Show somebody a message in their session."""
    PEEK = "peek"
    """See a small picture of a session's screen."""
    SHADOW = "shadow"
    """Look at somebody's session with them."""
    SHADOW_CONTROL = "shadow-control"
    """And use its keyboard and pointer."""
    INVITE = "invite"
    """Let others look on at a session of one's own, by a link."""
    UNINVITE = "uninvite"
    """Revoke somebody's invitations to a session."""
    MOVE = "move"
    """Show a session to a viewer that looks at another one."""
    KILL = "kill"
    """End a process in a session's guest."""
    RUN = "run"
    """Run commands in a session's guest."""

    # to the gateway as a whole
    SEE_HOSTS = "see-hosts"
    SET_HOSTS = "set-hosts"
    """Weigh and drain session hosts."""
    SEE_DESKTOPS = "see-desktops"
    """Read how every desktop and its pool are set up and stand."""
    SEE_IMAGES = "see-images"
    SET_IMAGES = "set-images"
    """Build, import and delete guest images; give people new disks."""
    SEE_USERS = "see-users"
    SET_USERS = "set-users"
    """Make, change and delete accounts and groups, within the limits of one's own roles."""
    SET_ROLES = "set-roles"
    """Give roles to people and groups, and take them away."""
    SEE_POLICIES = "see-policies"
    SET_POLICIES = "set-policies"
    SEE_TOKENS = "see-tokens"
    """Read which tokens others have."""
    SET_TOKENS = "set-tokens"
    """Revoke others' tokens, make some for them."""
    SEE_AUDIT = "see-audit"
    FOLLOW = "follow"
    """Hear of events as they happen; only of what one may list."""

    # to oneself
    OWN_ACCOUNT = "own-account"
    """One's own password, second factor, tokens and sign-ins."""


class Role(enum.Enum):
    """What somebody is to the gateway, beyond having desktops."""

    OWNER = "owner"
    OPERATOR = "operator"
    HELPDESK = "helpdesk"
    AUDITOR = "auditor"
    TEMPLATE_MANAGER = "template-manager"


class Granted(NamedTuple):
    """A role somebody has. desktop: the one it is for; None: all, and the gateway as a whole."""

    role: Role
    desktop: str | None = None


_A = Action
_HELP = {
    _A.LIST, _A.DISCONNECT, _A.LOG_OFF, _A.MEASURE, _A.INSPECT, _A.MESSAGE, _A.PEEK, _A.SHADOW,
    _A.SHADOW_CONTROL, _A.UNINVITE, _A.SEE_USERS, _A.SEE_DESKTOPS, _A.SEE_HOSTS, _A.FOLLOW,
}  # fmt: skip
_OPERATE = _HELP | {
    _A.RESET, _A.REVIEW, _A.MOVE, _A.KILL, _A.RUN, _A.SET_HOSTS, _A.SEE_IMAGES, _A.SET_USERS,
    _A.SEE_POLICIES, _A.SEE_TOKENS, _A.SET_TOKENS,
}  # fmt: skip
_AUDIT = {
    _A.LIST, _A.REVIEW, _A.SEE_AUDIT, _A.SEE_USERS, _A.SEE_POLICIES, _A.SEE_HOSTS, _A.SEE_DESKTOPS,
    _A.SEE_TOKENS, _A.FOLLOW,
}  # fmt: skip
_TEMPLATES = {_A.SEE_IMAGES, _A.SET_IMAGES, _A.SEE_DESKTOPS, _A.SEE_HOSTS}

# What nobody's role gives: these come from what one has (a desktop's right, one's own session or account).
_NEVER = {_A.SEE, _A.CONNECT, _A.VIEW, _A.INVITE, _A.OWN_ACCOUNT}

ROLES: Mapping[Role, frozenset[Action]] = {
    Role.OWNER: frozenset(set(Action) - _NEVER),
    Role.OPERATOR: frozenset(_OPERATE),
    Role.HELPDESK: frozenset(_HELP),
    Role.AUDITOR: frozenset(_AUDIT),
    Role.TEMPLATE_MANAGER: frozenset(_TEMPLATES),
}
