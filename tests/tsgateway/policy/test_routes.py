"""Every route of the API against authorize(): strangers, people without a role, and people with each role."""

import re

import pytest
import pytest_twisted

from tests.tsgateway.support import CHEAP, World, type_of
from tsgateway import service
from tsgateway.api.api import Api
from tsgateway.api.route import Call, May, Open, SignedIn, Stranger
from tsgateway.api.routes import ROUTES
from tsgateway.exchange import ApiError, Request, Response
from tsgateway.hosts.opening import Wanted
from tsgateway.policy import Action, Granted, Owned, Role, Subject, authorize

FOR_ALL_WHO_SIGNED_IN = {
    "sign_out": "one's own sign-in",
    "list_desktops": "only those given to one (SEE)",
    "mark_desktop": "only those given to one (SEE); told to nobody else",
    "unmark_desktop": "one's own list, told to nobody else",
    "connection_file": "only those given to one (SEE)",
    "connect_desktop": "only those given to one (CONNECT), and if policies allow it",
    "list_sessions": "only one's own and those one may list (LIST)",
    "list_history": "only one's own, or with REVIEW",
    "follow_events": "only what one may list (LIST)",
    "list_pools": "only those whose set-up one may see (SEE_DESKTOPS)",
    "list_invitations": "only to sessions one may list (LIST)",
    "list_tokens": "only one's own, or with SEE_TOKENS",
    "send_messages": "to each session that one may send messages to (MESSAGE)",
}
"""Routes whose functions ask authorize() themselves, about each thing they show.

Whoever makes this longer has thought about it; everything else says with May what one must be allowed."""
PEOPLE = {
    "plain": None,
    **{role.value: Granted(role) for role in Role},
    "of-one": Granted(Role.OPERATOR, "one"),
    "of-mine": Granted(Role.OPERATOR, "mine"),
}
REACHED = 204


async def reached(api, call):
    return Response(REACHED)


@pytest_twisted.async_yield_fixture
async def api(monkeypatch):
    """The API of a gateway that runs, where reaching a route does nothing, and people with each role."""
    apis = []

    class Kept(Api):
        def __post_init__(self):
            super().__post_init__()
            apis.append(self)

    harmless = [
        route
        if isinstance(route.needs, Open | Stranger)
        else route._replace(function=reached, body=None, query=None)
        for route in ROUTES
    ]
    monkeypatch.setattr(service, "ROUTES", harmless)
    monkeypatch.setattr(service, "Api", Kept)
    world = World()
    try:
        await world.start()
        [made] = apis
        made.world = world
        for name, granted in PEOPLE.items():
            await made.access(made.store.add_user, name, CHEAP.hash(f"{name}'s password"), set(), 0)
            if granted is not None:
                await made.access(made.store.roles.give, granted.role.value, name, None, granted.desktop)
        yield made
    finally:
        await world.stop()


async def expected(api: Api, route, parts, subject: Subject, request: Request):
    """What authorize() says: the status, and the code of a refusal."""
    if not isinstance(route.needs, May):
        return REACHED, ""
    call = Call(request, parts=parts, subject=subject)
    try:
        target = await route.needs.target(api, call)
    except ApiError as error:
        return error.status, error.code
    if authorize(subject, route.needs.action, target):
        return REACHED, ""
    if isinstance(target, Owned) and not authorize(subject, Action.LIST, target):
        return 404, "no_such_session"
    return 403, "no_right"


def filled(path: str, session: str) -> tuple[str, dict[str, str]]:
    """The path with something in each place: a session where one is meant, else what there is not."""
    value = session if path.startswith("/api/v1/sessions/{id}") else "1"
    parts = dict.fromkeys(re.findall(r"\{(\w+)\}", path), value)
    return re.sub(r"\{\w+\}", value, path), parts


@pytest_twisted.ensureDeferred
async def test_everybody_gets_exactly_what_authorize_says_for_every_route(api):
    reached_by_some = await compare(api, PEOPLE)
    for route in ROUTES:
        # Where the path names something that has to be there, nobody may have got as far.
        if isinstance(route.needs, May) and "{" not in route.path:
            assert route.name in reached_by_some, f"nobody reaches {route.method} {route.path}"


async def compare(api, people):
    """Have people ask for every route; return the names of those that somebody reached."""
    world, reached_by_some = api.world, set()
    hers = await api.opening.open(Wanted("ada", "one", 800, 600))
    for name, granted in people.items():
        own = await api.opening.open(Wanted(name, "one", 800, 600))
        person = await world.sign_in(name)
        roles = frozenset() if granted is None else frozenset({granted})
        subject = Subject(name, frozenset({"users"}), roles)
        for route in ROUTES:
            if isinstance(route.needs, Open | Stranger):
                continue
            for session in (own, hers) if route.path.startswith("/api/v1/sessions/{id}") else (own,):
                path, parts = filled(route.path, session)
                request = Request(route.method, path, {}, b"", "127.0.0.1")
                wanted = await expected(api, route, parts, subject, request)
                answer = await world.request(
                    route.method, path, person_body(route), cookie=person.cookie, headers=type_of(route)
                )
                code = "" if answer.status == REACHED else answer.code
                assert (answer.status, code) == wanted, f"{name}: {route.method} {path}"
                if answer.status == REACHED:
                    reached_by_some.add(route.name)
    return reached_by_some


def person_body(route):
    return None if route.method == "GET" else {}


@pytest_twisted.ensureDeferred
async def test_strangers_reach_what_is_for_strangers_only(api):
    for route in ROUTES:
        path, _ = filled(route.path, "0" * 32)
        answer = await api.world.request(route.method, path, person_body(route), headers=type_of(route))
        if isinstance(route.needs, Open | Stranger):
            assert answer.status != 401, f"{route.method} {path}"
        else:
            assert (answer.status, answer.code) == (401, "not_signed_in"), f"{route.method} {path}"


def test_what_a_route_needs_is_said_with_may():
    """A new route has to say which action it is; the few that ask for themselves are listed above."""
    others = {route.name for route in ROUTES if isinstance(route.needs, SignedIn)}
    assert others == set(FOR_ALL_WHO_SIGNED_IN)
    for route in ROUTES:
        assert isinstance(route.needs, Open | Stranger | SignedIn | May)


@pytest_twisted.ensureDeferred
async def test_a_route_that_needs_nothing_would_be_found(api):
    """The test above is no formality: with a policy taken away it fails."""
    [hosts] = [route for route in api.routes if route.path == "/api/v1/hosts"]
    weaker = [route._replace(needs=SignedIn()) if route is hosts else route for route in api.routes]
    api._table = type(api._table)(weaker)
    with pytest.raises(AssertionError, match="GET /api/v1/hosts"):
        await compare(api, {"plain": None})
