"""`GET /api/events`: what happens, as server-sent events; a client that comes back gets what it missed."""

import json
from collections.abc import AsyncIterator

from aiohttp import web

from nexus.api.resource import Resource
from nexus.config.scrubber import Scrubber
from nexus.host.events import Event
from nexus.host.host import Host
from nexus.http.sse import ServerEvent, send_events
from nexus.spec.errors import Problem

MEDIA_TYPE = "text/event-stream"


def resources(host: Host) -> tuple[Resource, ...]:
    """Gives the resource of this file."""

    async def events(request: web.Request) -> web.StreamResponse:
        """Stream the changes of modules and of health; `Last-Event-ID` takes up where a stream ended."""
        return await send_events(request, _since(host, _last_id(request)))

    return (Resource(method="GET", path="/api/events", handler=events, answer=None, media_type=MEDIA_TYPE),)


def _last_id(request: web.Request) -> int | None:
    value = request.headers.get("Last-Event-ID")
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 20):
        raise Problem(400, "Last-Event-ID is not an id of this stream: send the last one received, or none")
    return int(value)


async def _since(host: Host, last_id: int | None) -> AsyncIterator[ServerEvent]:
    async with host.events.subscribe(last_id) as subscription:
        async for event in subscription:
            yield _encoded(event, host.scrubber)


def _encoded(event: Event, scrubber: Scrubber) -> ServerEvent:
    at = event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data = scrubber.scrub_data({"at": at, **event.data})
    return ServerEvent(id=str(event.id), event=event.type, data=json.dumps(data, ensure_ascii=False))
