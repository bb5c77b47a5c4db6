"""When the library's threads look into the store: when they are called, and every now and then.

By themselves three or four of them look every second, each with some statements, for what is nearly never there: of its
queues only what was taken from the dead goes through one, and whoever put it there says so.
"""

import threading
from typing import Final

_REST: Final = 10.0
"""Seconds between two looks without a call: for what another replica put there, and died."""


class LibraryPace:
    """Wakes threads that wait between two looks."""

    def __init__(self) -> None:
        self._called = threading.Condition()
        self._calls = 0
        self._heard = threading.local()  # each thread's own: a call that comes while it looks is heard after it

    def call(self) -> None:
        """Has every thread look now."""
        with self._called:
            self._calls += 1
            self._called.notify_all()

    def slow_down(self, stop: threading.Event) -> None:
        """Makes threads that wait for `stop` up to a few seconds between two looks wait for a call beside it."""
        wait_for_stop, set_stop = stop.wait, stop.set

        def wait(timeout: float | None = None) -> bool:
            if timeout is None or timeout > _REST:
                return wait_for_stop(timeout)
            with self._called:
                self._called.wait_for(lambda: stop.is_set() or self._calls != self._last_heard(), _REST)
                self._heard.calls = self._calls
            return stop.is_set()

        def set_both() -> None:
            set_stop()
            self.call()

        stop.wait = wait  # type: ignore[method-assign]  # the library's threads have the event already
        stop.set = set_both  # type: ignore[method-assign]  # who sets it must wake those that wait here

    def _last_heard(self) -> int:
        return getattr(self._heard, "calls", 0)
