"""Every route of the JSON API: the topics' tables in one."""

from __future__ import annotations

from tsgateway.api import (
    audit,
    description,
    desktops,
    events,
    hosts,
    live,
    policies,
    roles,
    sessions,
    signing,
    storage,
    tokens,
)
from tsgateway.api.route import Route

ROUTES: tuple[Route, ...] = (
    *audit.ROUTES,
    *description.ROUTES,
    *signing.ROUTES,
    *desktops.ROUTES,
    *sessions.ROUTES,
    *live.ROUTES,
    *events.ROUTES,
    *hosts.ROUTES,
    *storage.ROUTES,
    *policies.ROUTES,
    *roles.ROUTES,
    *tokens.ROUTES,
)
