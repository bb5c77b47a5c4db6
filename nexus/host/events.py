"""The host's events: what happened lately, and a bounded stream of what happens from now on."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from pydantic import JsonValue

from nexus.checks.clock import Clock

DROPPED: Final = "events.dropped"
"""Type of the marker that stands in the place of events which a subscriber did not get."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened.

    Attributes:
        id: counts up from 1 in one run of the host.
        type: such as `module.state`, `health.changed`, `host.phase`.
        at: UTC instant.
        data: what belongs to the type; holds no secret.
    """

    id: int
    type: str
    at: datetime
    data: Mapping[str, JsonValue]


class Subscription:
    """An async iterator over events; leave it as a context manager, or `close` it, when done."""

    def __init__(self, bus: "EventBus", backlog: list[Event], waiting: int) -> None:
        self._bus = bus
        self._waiting: deque[Event] = deque(backlog)
        self._limit = waiting + len(backlog)
        self._wanted = asyncio.Event()
        self._is_closed = False
        self._was_too_slow = False

    @property
    def was_too_slow(self) -> bool:
        """True where it ended since its reader did not keep up."""
        return self._was_too_slow

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._waiting:
            if self._is_closed:
                raise StopAsyncIteration
            self._wanted.clear()
            await self._wanted.wait()
        return self._waiting.popleft()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def offer(self, event: Event) -> None:
        """Puts `event` into the queue; where that is full, a marker ends the subscription."""
        if len(self._waiting) >= self._limit:
            event = Event(id=event.id, type=DROPPED, at=event.at, data={"reason": "too slow"})
            self._was_too_slow = True
            self.close()
        self._waiting.append(event)
        self._wanted.set()

    def close(self) -> None:
        """Ends the iteration after what already waits; idempotent."""
        self._is_closed = True
        self._bus.forget(self)
        self._wanted.set()


class EventBus:
    """Publishes to any number of subscribers; a slow one is dropped and holds up nobody.

    Args:
        clock: time.
        kept: events that a subscriber who comes back can catch up with.
        waiting: events that may wait for one subscriber before it is dropped as too slow.
    """

    def __init__(self, clock: Clock | None = None, *, kept: int = 1000, waiting: int = 256) -> None:
        self._clock = clock or Clock()
        self._kept: deque[Event] = deque(maxlen=kept)
        self._waiting = waiting
        self._subscriptions: set[Subscription] = set()
        self._last_id = 0
        self._last_of: dict[str, int] = {}
        self._is_closed = False

    @property
    def last_id(self) -> int:
        """The id of the newest event, 0 where there is none."""
        return self._last_id

    def last_of(self, types: Iterable[str]) -> int:
        """Gives the id of the newest event of some types, 0 where there is none."""
        return max((self._last_of.get(each, 0) for each in types), default=0)

    def publish(self, type: str, data: Mapping[str, JsonValue]) -> Event:  # noqa: A002 - the event's field has this name
        """Gives the event that every subscriber was offered."""
        self._last_id += 1
        event = Event(id=self._last_id, type=type, at=self._clock.now(), data=dict(data))
        self._last_of[type] = event.id
        self._kept.append(event)
        for subscription in tuple(self._subscriptions):
            subscription.offer(event)
        return event

    def recent(self) -> tuple[Event, ...]:
        """Gives the events that are kept, oldest first; at most as many as the settings say."""
        return tuple(self._kept)

    def subscribe(self, after_id: int | None = None) -> Subscription:
        """Gives the events from now on; with `after_id` first the kept ones that came after it.

        Where some of those are no longer kept, or the id is of another run of the host, a marker of type `DROPPED`
        comes first.
        """
        subscription = Subscription(self, self._backlog(after_id), self._waiting)
        if self._is_closed:
            subscription.close()
        else:
            self._subscriptions.add(subscription)
        return subscription

    def _backlog(self, after_id: int | None) -> list[Event]:
        if after_id is None:
            return []
        backlog = [event for event in self._kept if event.id > after_id]
        oldest = self._kept[0].id if self._kept else self._last_id + 1
        if after_id > self._last_id:
            backlog = list(self._kept)
        if after_id > self._last_id or after_id + 1 < oldest:
            marker = Event(id=oldest - 1, type=DROPPED, at=self._clock.now(), data={"reason": "no longer kept"})
            backlog.insert(0, marker)
        return backlog

    def forget(self, subscription: Subscription) -> None:
        """Offers nothing more to `subscription`."""
        self._subscriptions.discard(subscription)

    def close(self) -> None:
        """Ends every subscription, present and later ones."""
        self._is_closed = True
        for subscription in tuple(self._subscriptions):
            subscription.close()
