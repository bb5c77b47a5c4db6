"""Tells an open page that what it shows has changed; the page then asks for itself again.

All open pages together cause a bounded number of such requests a second, however much happens.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Final

from nexus.host.events import DROPPED, Event, Subscription
from nexus.host.host import Host
from nexus.http.sse import ServerEvent

MOST: Final = 256
"""Streams of the host; each is a connection and some kilobytes."""

MOST_OF_SESSION: Final = 40
"""Streams of one session: one for each tab that is looked at."""

_LEAST: Final = 1.0
"""Seconds between two tellings to one page."""

_PER_SECOND: Final = 40
"""Tellings to all pages together."""

_GATHER: Final = 0.05
"""Seconds for which a change waits for others that belong to it."""

_TICK: Final = 5.0
"""Seconds between two tellings where other replicas do runs: their events do not come here."""

_LOOK: Final = 15.0
"""Seconds between two looks at the session where nothing happens."""

_COME_BACK: Final = 1.0
"""Seconds after which a page whose stream broke off asks for another."""

_FULL: Final = 30.0
"""Seconds after which a page that found no place asks again."""

_RUNS: Final = frozenset({"overview", "jobs", "job", "runs", "run"})
_TYPES: Final = {
    "module.state": frozenset({"overview", "modules", "module", "health"}),
    "health.changed": frozenset({"overview", "modules", "module", "health"}),
    "run.state": _RUNS | {"module"},
    "module.event": frozenset({"module"}),
    "host.phase": frozenset({"overview", "health"}),
}
"""Which kinds of pages an event concerns."""


class Streams:
    """Counts the open streams, and says how often each may tell.

    Args:
        host: whose events are told.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._of_session: Counter[str] = Counter()
        self._open = 0

    @contextmanager
    def place(self, session: str) -> Iterator[bool]:
        """Holds a place for one stream; gives False where there are as many as may be."""
        if self._open >= MOST or self._of_session[session] >= MOST_OF_SESSION:
            yield False
            return
        self._open += 1
        self._of_session[session] += 1
        try:
            yield True
        finally:
            self._open -= 1
            self._of_session[session] -= 1
            if not self._of_session[session]:
                del self._of_session[session]

    def interval(self) -> float:
        """Gives the seconds between two tellings to one page, as many as are open now."""
        return max(_LEAST, self._open / _PER_SECOND)

    async def changes(
        self, watch: str, since: int | None, is_signed_in: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[ServerEvent]:
        """Gives an event at once, and one each time that what a page shows has changed; ends with host and session.

        Args:
            watch: what the page shows: `overview`, `modules`, `module:<name>`, `jobs`, `job:<module>/<job>`, `runs`,
                `run:<id>`, `health`.
            since: the last event that the page knows of.
            is_signed_in: asked before each telling, and every 15 seconds.
        """
        known = since
        yield ServerEvent(event="live", data=watch, retry=_COME_BACK)
        while True:
            async with (
                self._host.events.subscribe(known) as subscription,
                aclosing(self._told(subscription, watch)) as told,
            ):
                async for has_changed in told:
                    if not await is_signed_in():
                        yield ServerEvent(event="ended", data=watch)
                        return
                    if has_changed:
                        yield ServerEvent(event="changed", id=str(self._host.events.last_id), data=watch)
            if not subscription.was_too_slow:
                return
            known = self._host.events.last_id
            await asyncio.sleep(self.interval())

    async def _told(self, subscription: Subscription, watch: str) -> AsyncGenerator[bool, None]:
        """Gives True where something has changed, False where it is time to look at the session."""
        loop = asyncio.get_running_loop()
        every = _TICK if self._is_shared and watch.partition(":")[0] in _RUNS else _LOOK
        earliest, due, changed = loop.time(), loop.time() + every, False
        while True:
            try:
                async with asyncio.timeout_at(due):
                    event = await anext(subscription)
            except TimeoutError:
                yield changed or every == _TICK
                earliest, due, changed = loop.time() + self.interval(), loop.time() + every, False
                continue
            except StopAsyncIteration:
                if subscription.was_too_slow:
                    yield True
                return
            if not changed and concerns(event, watch):
                changed = True
                due = min(due, max(loop.time() + _GATHER, earliest))

    @property
    def _is_shared(self) -> bool:
        return not self._host.settings.global_.store.url.startswith("sqlite")


async def no_place(watch: str) -> AsyncIterator[ServerEvent]:
    """Gives the one event of a stream that finds no place: a refusal would be an error in the browser's console."""
    yield ServerEvent(event="full", data=watch, retry=_FULL)


def concerns(event: Event, watch: str) -> bool:
    """Tells whether an event changes what a page shows."""
    if event.type == DROPPED:
        return True
    kind, _, name = watch.partition(":")
    if kind not in _TYPES.get(event.type, ()):
        return False
    data = event.data
    named: dict[str, Callable[[], bool]] = {
        "module": lambda: data.get("module") == name,
        "job": lambda: f"{data.get('module')}/{data.get('job')}" == name,
        "run": lambda: data.get("run") == name,
    }
    return named[kind]() if kind in named else True
