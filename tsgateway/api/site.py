"""What each path leads to."""

from __future__ import annotations

import dataclasses

from tsgateway.api.api import Api
from tsgateway.api.health import HEALTH, READY, Readiness
from tsgateway.api.metrics import PATH, Metrics
from tsgateway.api.static import PREFIX, WORKER, StaticFiles, coding_for
from tsgateway.exchange import ApiError, Request, Response

PAGES = frozenset({"/", "/desktops", "/account", "/keys", "/invitation", "/client"}) | {
    f"/admin/{page}" for page in ("sessions", "users", "desktops", "audit")
}
PAGES_OF_ONE = ("/desktop/", "/session/")
"""Of a desktop, which is opened, and of a session."""
CLIENT_VERSION = "X-Client-Version"
"""On answers of the API: which client the gateway serves now, so that a page knows when it is out of date."""


class Site:
    """The API under /api/, figures for Prometheus if wanted, the browser client elsewhere."""

    def __init__(self, api: Api, files: StaticFiles, metrics: Metrics | None, readiness: Readiness) -> None:
        self._api = api
        self._files = files
        self._metrics = metrics
        self._readiness = readiness

    async def answer(self, request: Request) -> Response:
        """Answer one request; never raises."""
        if request.path.startswith("/api/"):
            answer = await self._api.answer(request)
            return dataclasses.replace(
                answer, headers={**answer.headers, CLIENT_VERSION: self._files.version}
            )
        if request.method not in ("GET", "HEAD"):
            return ApiError(405, "wrong_method", "Use GET here.", headers={"Allow": "GET, HEAD"}).response()
        if request.path == "/ws":
            error = ApiError(426, "upgrade_required", "This is the address of a WebSocket.")
            error.headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
            return error.response()
        if request.path == PATH and self._metrics is not None:
            return await self._metrics.answer(request)
        if request.path in (HEALTH, READY):
            return await self._readiness.answer(request)
        return self._file(request)

    def _file(self, request: Request) -> Response:
        seen = request.headers.get("if-none-match")
        coding = coding_for(request.headers.get("accept-encoding", ""))
        path = f"{PREFIX}{WORKER}" if request.path == f"/{WORKER}" else request.path
        if path in PAGES or path.startswith(PAGES_OF_ONE):
            return self._files.page(seen, coding)
        file = self._files.get(path, seen, coding) if path.startswith(PREFIX) else None
        if file is None and "text/html" in request.headers.get("accept", ""):
            return dataclasses.replace(self._files.page(None), status=404)  # somebody looks; the page says it
        return file or ApiError(404, "not_found", "There is nothing at this address.").response()
