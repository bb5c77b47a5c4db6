"""The stall watch: notices from outside that the event loop does not turn, and whose code holds it."""

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Final, Self

from nexus.discovery.importnames import is_within

HEARTBEAT: Final = 0.1
"""Seconds between two beats: ten a second cost a five-hundredth of a core, half of what an idle host uses."""

logger = logging.getLogger("nexus.host")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """The event loop stood still.

    Attributes:
        began: monotonic seconds of the last beat before it.
        seconds: how long, None while it lasts.
        module: whose code held the loop; None where it was the host's own, or nobody's that is known.
        where: function, file and line.
    """

    began: float
    seconds: float | None
    module: str | None
    where: str


class StallWatch:
    """Beats on the loop and watches the beat from a thread of its own; an async context manager.

    Args:
        packages: gives the Python package of each module's code, by the module's name.
        threshold: seconds without a beat that are a stall.
    """

    def __init__(self, packages: Callable[[], Mapping[str, str]], *, threshold: float = 1.0) -> None:
        self.threshold = threshold
        self._packages = packages
        self._beat = time.monotonic()
        self._late = 0.0
        self._last: Stall | None = None
        self._ended = threading.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._thread: threading.Thread | None = None

    async def __aenter__(self) -> Self:
        self._beat = time.monotonic()
        self._schedule()
        self._thread = threading.Thread(
            target=self._watch, args=(threading.get_ident(),), name="nexus-stall-watch", daemon=True
        )
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ended.set()
        if self._timer is not None:
            self._timer.cancel()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 1.0)

    def lag(self) -> float:
        """Gives the seconds by which the loop is late now, or was at the last beat."""
        return max(self._late, time.monotonic() - self._beat - HEARTBEAT, 0.0)

    def stalled(self) -> bool:
        """True while the loop is late by more than the threshold."""
        return self.lag() > self.threshold

    def last(self, within: float) -> Stall | None:
        """Gives the last stall, where it began in the last `within` seconds."""
        stall = self._last
        return stall if stall is not None and time.monotonic() - stall.began <= within else None

    def _schedule(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(HEARTBEAT, self._on_beat)

    def _on_beat(self) -> None:
        now = time.monotonic()
        self._late = max(now - self._beat - HEARTBEAT, 0.0)
        stall = self._last
        if stall is not None and stall.seconds is None:
            self._last = Stall(
                began=stall.began, seconds=round(now - stall.began, 3), module=stall.module, where=stall.where
            )
            logger.info(
                "the event loop turns again after %.1f s",
                now - stall.began,
                extra={"event": "host.loop.recovered", "module_name": stall.module},
            )
        self._beat = now
        self._schedule()

    def _watch(self, loop_thread: int) -> None:
        pause = max(min(self.threshold / 4, 0.25), 0.005)
        told = -1.0
        while not self._ended.wait(pause):
            beat = self._beat
            held = time.monotonic() - beat - HEARTBEAT
            if held > self.threshold and beat != told:
                told = beat
                self._tell(beat, held, sys._current_frames().get(loop_thread))  # noqa: SLF001 - the documented way

    def _tell(self, beat: float, held: float, frame: FrameType | None) -> None:
        module, where = attribute(frame, self._packages())
        del frame
        self._last = Stall(began=beat, seconds=None, module=module, where=where)
        logger.warning(
            "the event loop is held for %.1f s by %s in %s: move blocking work to asyncio.to_thread",
            held,
            f"module {module}" if module else "code of no module",
            where,
            extra={"event": "host.loop.stalled", "module_name": module, "where": where},
        )


def attribute(frame: FrameType | None, packages: Mapping[str, str]) -> tuple[str | None, str]:
    """Gives the module whose code runs innermost on the stack, and where; None where no module's is on it."""
    innermost = frame
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        holders = [module for module, package in packages.items() if is_within(name, package)]
        if holders:
            return max(holders, key=lambda module: len(packages[module])), _place(frame)
        frame = frame.f_back
    return None, _place(innermost) if innermost is not None else "an unknown place"


def _place(frame: FrameType) -> str:
    return f"{frame.f_code.co_qualname} ({frame.f_code.co_filename}:{frame.f_lineno})"
