"""The one stream by which an open page learns that it is out of date."""

from typing import Final

from aiohttp import web

from nexus.host.host import Host
from nexus.http.keys import INFLIGHT
from nexus.http.sse import send_events
from nexus.ui.live import Streams, no_place
from nexus.ui.page_book import PageBook
from nexus.ui.viewer import Viewer

_MAX_WATCH: Final = 300


def add(pages: PageBook, host: Host) -> None:
    """Adds the stream."""
    streams = Streams(host)

    async def events(request: web.Request, viewer: Viewer) -> web.StreamResponse:
        # The shell ends streams at this instant, and all when the host drains; the gate may know an earlier one.
        inflight = request[INFLIGHT]
        inflight.expires_at = min(viewer.expires_at, inflight.expires_at or viewer.expires_at)
        watch = request.query.get("watch", "overview")[:_MAX_WATCH]

        async def is_signed_in() -> bool:
            return await pages.gate.viewer(request) is not None

        with streams.place(viewer.session_id) as has_place:
            told = streams.changes(watch, _since(request), is_signed_in) if has_place else no_place(watch)
            return await send_events(request, told, retry=None)

    pages.page("/events", events)


def _since(request: web.Request) -> int | None:
    value = request.headers.get("Last-Event-ID") or request.query.get("since", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else None
