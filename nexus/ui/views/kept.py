"""What many modules come to, found once and kept until one of them moves."""

from collections.abc import Callable
from typing import Final, TypeVar

from nexus.host.host import Host

T = TypeVar("T")

_TYPES: Final = ("module.state", "module.reload_failed", "health.changed", "host.phase")
"""Events that tell of modules; of a reload, the configuration itself tells."""

_AGE: Final = 10.0
"""Seconds for which a value is kept at most: the result of a check grows stale, and no event tells."""


def kept(host: Host, find: Callable[[Host], T]) -> Callable[[], T]:
    """Gives a function that gives what `find` finds of the host's modules, without looking at them each time.

    What is found must follow from the modules, their checks and the configuration alone.
    """
    known: tuple[float, int, object, T] | None = None

    def get() -> T:
        nonlocal known
        now, moved = host.clock.monotonic(), host.events.last_of(_TYPES)
        is_same = known is not None and known[1] == moved and known[2] is host.loaded
        if known is None or not is_same or not 0 <= now - known[0] < _AGE:
            known = now, moved, host.loaded, find(host)
        return known[3]

    return get
