"""Server-sent events (WHATWG HTML, section 9.2): one helper, so that every stream ends well.

A stream ends when its source does, when the client leaves, when the caller's token ends, and at once when the host
drains; the last two are the shell's doing.
"""

import asyncio
import re
from collections.abc import AsyncIterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web

KEEPALIVE_S: Final = 15.0
"""Proxies close what is silent for a minute or less; the specification suggests a comment every 15 seconds."""

_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEvent:
    """One event.

    Attributes:
        data: text; JSON as a rule.
        event: its type; the browser's default is `message`.
        id: what the client sends as `Last-Event-ID` when it comes back.
        retry: seconds after which a client should come back, from now on; None leaves it as it was.
    """

    data: str
    event: str | None = None
    id: str | None = None
    retry: float | None = None

    def encoded(self) -> bytes:
        """Gives the event as it is sent; line ends in `event` and `id` would start other fields and become spaces."""
        lines = [
            f"{name}: {_LINE_END.sub(' ', value)}"
            for name, value in (("event", self.event), ("id", self.id))
            if value is not None
        ]
        if self.retry is not None:
            lines.append(f"retry: {round(self.retry * 1000)}")
        lines += [f"data: {line}" for line in _LINE_END.split(self.data)]
        return ("\n".join(lines) + "\n\n").encode("utf-8", "replace")


async def send_events(
    request: web.Request,
    events: AsyncIterable[ServerEvent],
    *,
    retry: float | None = 5.0,
    keepalive: float = KEEPALIVE_S,
) -> web.StreamResponse:
    """Sends `events` as they come until they end or the client has left.

    Args:
        request: answered; `HEAD` gets the head alone.
        events: closed at the end where it is an async generator.
        retry: seconds after which a client should come back; None leaves it to the client.
        keepalive: seconds of silence until a comment is sent.
    """
    response = web.StreamResponse(headers=_HEADERS)
    await response.prepare(request)
    if request.method == hdrs.METH_HEAD:
        return response
    with suppress(ConnectionError):
        if retry is not None:
            await response.write(f"retry: {round(retry * 1000)}\n\n".encode())
        await _pump(response, events, keepalive)
    return response


async def _pump(response: web.StreamResponse, events: AsyncIterable[ServerEvent], keepalive: float) -> None:
    source = aiter(events)
    coming: asyncio.Future[ServerEvent] | None = None
    try:
        while True:
            coming = asyncio.ensure_future(anext(source))
            while not (await asyncio.wait({coming}, timeout=keepalive))[0]:
                await response.write(b":\n\n")
            try:
                event = coming.result()
            except StopAsyncIteration:
                return
            await response.write(event.encoded())
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.wait({coming})
        close = getattr(source, "aclose", None)
        if close is not None:
            await close()
