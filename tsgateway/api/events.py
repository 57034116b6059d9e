"""Events as they happen, as a stream of server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from tsgateway.api.hub import Happened, TooManyFollow, as_sse
from tsgateway.api.route import Answer, Call, Query, Route, SignedIn
from tsgateway.api.sessions import Wanted, list_sessions
from tsgateway.exchange import ApiError, Response
from tsgateway.hosts.directory import Session
from tsgateway.policy import Action, authorize

if TYPE_CHECKING:
    from tsgateway.api.api import Api

SSE = "text/event-stream"


class Followed(Query):
    """Of whose sessions is to be told; None: of all that one may list."""

    user: str | None = Field(None, max_length=256)


async def follow_events(api: Api, call: Call) -> Answer:
    """Tell of sessions as they begin, change and end: those that `GET /api/v1/sessions` would list.

    The first event, `sessions`, has the whole list, as that route has it; so has the next one after `missed`,
    which is asked for anew. Then `session` for one that has begun or changed, `ended` for one that has ended.
    """

    followed: Followed = call.query

    def sees(about: Any) -> bool:
        if not isinstance(about, Session):
            return True
        is_wanted = followed.user in (None, about.info["user"])
        return is_wanted and authorize(call.subject, Action.LIST, api.owned(about))

    try:
        events = api.events.follow(sees)
    except TooManyFollow:
        raise ApiError(503, "too_many_followers", "Too many programs follow what happens here.") from None
    headers = {"Content-Type": SSE, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Response(headers=headers, stream=_stream(api, call, events))


async def _stream(api: Api, call: Call, events: AsyncIterator[Happened | None]) -> AsyncIterator[bytes]:
    yield as_sse(await _whole(api, call))
    async for event in events:
        yield as_sse(event)
        if event is not None and not event.told:
            yield as_sse(await _whole(api, call))
        if not await api.still_known(call):
            return


async def _whole(api: Api, call: Call) -> Happened:
    everything = Call(
        call.request, query=Wanted.model_validate({"user": call.query.user}), subject=call.subject
    )
    listed: Any = await list_sessions(api, everything)
    return Happened("sessions", None, listed)


ROUTES = (
    Route(
        "GET", "/api/v1/events", follow_events, "Follow what happens", SignedIn(), query=Followed,
        stream=SSE,
    ),
)  # fmt: skip
