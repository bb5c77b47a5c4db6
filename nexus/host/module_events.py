"""What `context.events` is: checks, bounds and scrubs what a module publishes, then hands it on."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from typing import Final, cast

from pydantic import JsonValue

from nexus.checks.clock import Clock
from nexus.config.scrubber import Scrubber
from nexus.spec.errors import NexusError
from nexus.spec.event import NO_DATA
from nexus.spec.names import PART_NAME

MAX_BYTES: Final = 16_384
"""Bytes of an event's data as JSON: it tells what happened and carries no files; 1000 events are kept in memory."""

PER_WINDOW: Final = 600
"""Events of one module in `WINDOW`; two modules that answer each other's events would go on for ever otherwise."""

WINDOW: Final = 60.0
"""Seconds."""

logger = logging.getLogger("nexus.host")


class InvalidEvent(NexusError):
    """A module publishes something that cannot be told."""


class ModuleEvents:
    """Implements `nexus.Events` for one incarnation of a module; made on the event loop.

    Args:
        module: who publishes.
        announce: takes the module's name, the event's type and its data.
        scrubber: knows every secret.
        clock: time, to be moved by tests.
    """

    def __init__(
        self,
        module: str,
        *,
        announce: Callable[[str, str, Mapping[str, JsonValue]], None],
        scrubber: Scrubber,
        clock: Clock,
    ) -> None:
        self._module = module
        self._announce = announce
        self._scrubber = scrubber
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._window_ends = 0.0
        self._count = 0

    def publish(self, type: str, data: Mapping[str, JsonValue] = NO_DATA) -> None:  # noqa: A002 - the protocol's
        """Publishes an event.

        Raises:
            InvalidEvent: its type or data cannot be told, or the caller is not on the event loop.
        """
        _check_type(type)
        copied = _copied(type, data)
        self._check_loop(type)
        if self._may_publish():
            clean = cast("dict[str, JsonValue]", self._scrubber.scrub_data(copied))
            self._announce(self._module, self._scrubber.scrub(type), clean)

    def _check_loop(self, type: str) -> None:  # noqa: A002 - as above
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is not self._loop:
            raise InvalidEvent(
                f"event {type!r} is published in a thread: publish it on the event loop, when the thread is done"
            )

    def _may_publish(self) -> bool:
        now = self._clock.monotonic()
        if now >= self._window_ends:
            self._window_ends, self._count = now + WINDOW, 0
        self._count += 1
        if self._count == PER_WINDOW + 1:
            logger.warning(
                "module %s has published %d events within %g s: those of the next %.0f s are dropped",
                self._module,
                PER_WINDOW,
                WINDOW,
                self._window_ends - now,
                extra={"event": "module.events.dropped", "module_name": self._module},
            )
        return self._count <= PER_WINDOW


def _check_type(type: object) -> None:  # noqa: A002 - as above
    if not isinstance(type, str) or not PART_NAME.fullmatch(type):
        raise InvalidEvent(
            f"event type {type!r:.100} is not usable: use up to 64 letters, digits, '.', ':', '-' and '_', "
            "a letter first"
        )


def _copied(type: str, data: Mapping[str, JsonValue]) -> JsonValue:  # noqa: A002 - as above
    """Gives the data as JSON has it, so that nothing the module does later changes it."""
    try:
        text = json.dumps(dict(data), allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidEvent(f"the data of event {type!r} has no JSON form: {error}") from error
    if len(text) > MAX_BYTES:
        raise InvalidEvent(f"the data of event {type!r} has {len(text)} bytes: {MAX_BYTES} are the limit")
    copied: JsonValue = json.loads(text)
    return copied
