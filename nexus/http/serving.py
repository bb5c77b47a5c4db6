"""From listening to the end of the process: signals, drain, and the modules' stop."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from nexus.http import open_files
from nexus.http.server import HttpServer

if TYPE_CHECKING:
    from nexus.host.host import Host

_log: Final = logging.getLogger("nexus.http")

_STOPPING: Final = (signal.SIGTERM, signal.SIGINT)
_ONE_SIGNAL: Final = 0.5
"""Seconds in which further signals are the first one again: launchers send it to the process and to its group."""

_STOP_AT_LEAST: Final = 1.0
"""Seconds that modules get to stop, also where requests used up the grace period."""


async def run(
    app: web.Application,
    host: "Host",
    *,
    started: Callable[[HttpServer], Awaitable[int | None]],
    reload: Callable[[], Awaitable[object]] | None = None,
) -> int:
    """Serves until SIGTERM or SIGINT and gives the exit code; a second signal, later, ends the process at once.

    Args:
        app: as `application.build` gave it.
        host: entered, not started; it is stopped here.
        started: runs once the socket listens: starts the host, prints where it is. A code that it gives ends the
            process with it, after the same orderly stop; so does what it raises.
        reload: runs at SIGHUP, one at a time.

    Raises:
        CannotListen: the configured address is not to be had.
    """
    stop = asyncio.Event()
    open_files.raise_limit()
    asyncio.get_running_loop().set_exception_handler(open_files.Shortage().handle)
    with _signals(stop, reload):
        async with HttpServer(app, host.settings.global_.server) as server:
            work = asyncio.ensure_future(started(server))
            stopped = asyncio.ensure_future(stop.wait())
            try:
                await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if work.done() and not work.cancelled() and work.exception() is None and work.result() is None:
                    await stopped
            finally:
                await _stop(host, server, work, stopped)
    return 0 if work.cancelled() or not work.done() else work.result() or 0


async def _stop(host: "Host", server: HttpServer, *tasks: "asyncio.Future[Any]") -> None:
    settings = host.settings.global_.server
    loop = asyncio.get_running_loop()
    host.begin_drain()
    _log.info("stopping", extra={"event": "host.stopping"})
    for task in tasks:
        task.cancel()
    ends_at = loop.time() + settings.shutdown_delay + settings.shutdown_grace
    await server.drain(delay=settings.shutdown_delay, grace=settings.shutdown_grace)
    await asyncio.wait(tasks, timeout=_STOP_AT_LEAST)
    await host.stop(max(_STOP_AT_LEAST, ends_at - loop.time()))


@contextmanager
def _signals(stop: asyncio.Event, reload: Callable[[], Awaitable[object]] | None) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    reloads = _Reloads(reload)
    previous = {number: signal.getsignal(number) for number in (*_STOPPING, signal.SIGHUP)}
    taken_at: float | None = None

    def begin_to_stop(number: int) -> None:
        _log.info("signal received", extra={"event": "host.signal", "signal": signal.Signals(number).name})
        stop.set()

    # Not by the loop's own handlers: a second signal must end a process whose loop a module holds, too.
    def take(number: int, _frame: object) -> None:
        nonlocal taken_at
        now = time.monotonic()
        if taken_at is None:
            taken_at = now
            loop.call_soon_threadsafe(begin_to_stop, number)
        elif now - taken_at >= _ONE_SIGNAL:
            _end_at_once(number)

    for number in _STOPPING:
        signal.signal(number, take)
    if reload is not None:
        loop.add_signal_handler(signal.SIGHUP, reloads.ask)
    try:
        yield
    finally:
        reloads.cancel()
        loop.remove_signal_handler(signal.SIGHUP)
        for number, handler in previous.items():
            signal.signal(number, handler)


def _end_at_once(number: int) -> None:
    with suppress(OSError):
        os.write(2, b"second signal: ending at once\n")
    os._exit(128 + number)


class _Reloads:
    """Runs one reload at a time; a signal during one asks for another after it, however many there were."""

    def __init__(self, reload: Callable[[], Awaitable[object]] | None) -> None:
        self._reload = reload
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def ask(self) -> None:
        if self._task is not None and not self._task.done():
            self._again = True
            return
        self._task = asyncio.create_task(self._run(), name="nexus-reload")

    async def _run(self) -> None:
        self._again = True
        while self._again and self._reload is not None:
            self._again = False
            try:
                await self._reload()
            except Exception:  # noqa: BLE001 - the host serves on with what it has
                _log.exception("reload failed", extra={"event": "host.reload.failed"})

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
