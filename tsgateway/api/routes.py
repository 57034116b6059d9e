"""Every route of the JSON API: the topics' tables in one."""

from __future__ import annotations

from tsgateway.api import (
    account,
    audit,
    description,
    desktops,
    events,
    files,
    groups,
    handover,
    hosts,
    invitations,
    live,
    policies,
    providers,
    roles,
    sessions,
    signing,
    storage,
    tokens,
    users,
)
from tsgateway.api.route import Route

ROUTES: tuple[Route, ...] = (
    *audit.ROUTES,
    *description.ROUTES,
    *signing.ROUTES,
    *providers.ROUTES,
    *handover.ROUTES,
    *account.ROUTES,
    *users.ROUTES,
    *groups.ROUTES,
    *desktops.ROUTES,
    *sessions.ROUTES,
    *live.ROUTES,
    *files.ROUTES,
    *invitations.ROUTES,
    *events.ROUTES,
    *hosts.ROUTES,
    *storage.ROUTES,
    *policies.ROUTES,
    *roles.ROUTES,
    *tokens.ROUTES,
)
