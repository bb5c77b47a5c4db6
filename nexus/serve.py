"""The composition root: what a host is made of, in the order in which it is put together."""

import asyncio
import importlib
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nexus.auth.audit import AuditLog, Decision
from nexus.auth.exposure import check_bind_address, log_exposures
from nexus.auth.token_rules import all_rules
from nexus.config.host_binding import host_problems
from nexus.config.problem import InvalidConfig, Problem
from nexus.config.scrubber import Scrubber
from nexus.config.settings import HostSettings
from nexus.front import Front, logged_refusals
from nexus.host.host import Host
from nexus.host.module_settings import bind_module
from nexus.host.own_thread import in_own_thread
from nexus.http import log_format, serving
from nexus.http.server import HttpServer
from nexus.http.uncaught import uncaught_logged
from nexus.preparation import Prepared, ServeOptions, prepare
from nexus.spec.state import ModuleState

if TYPE_CHECKING:
    from nexus.auth.authenticator import Authenticator

_log: Final = logging.getLogger("nexus.serve")

OnStarted = Callable[[Host, HttpServer], None]
"""Told once the host serves: prints where, and what runs."""

EXIT_MODULE_FAILED: Final = 1
EXIT_INVALID: Final = 3
"""Under `--strict`, where a module does not run: because its configuration is wrong, or for another reason."""

_TURN: Final = 0.0005
"""Seconds after which a thread that loads code gives way to the loop: Python's 5 ms would be felt by each probe."""


def run(options: ServeOptions, on_started: OnStarted, environ: Mapping[str, str] = os.environ) -> int:
    """Serves until a signal ends it, and gives the process' exit code.

    Raises:
        InvalidConfig: the host as a whole cannot start.
        NexusError: the address, the state directory, the issuers or the local issuer's key cannot be used.
    """
    # Before any module's code is imported: what it logs then may quote a secret, too.
    scrubber = Scrubber()
    log_format.set_up(level="info", layout="auto", scrubber=scrubber)
    with uncaught_logged():
        return _run(options, on_started, environ, scrubber)


def _run(options: ServeOptions, on_started: OnStarted, environ: Mapping[str, str], scrubber: Scrubber) -> int:
    source = _Source(options, environ, scrubber)
    prepared = source.latest
    if prepared.settings is None:
        raise InvalidConfig(_every_problem(prepared))
    settings = prepared.settings.global_
    check_bind_address(settings.auth, settings.server.host)
    if settings.auth is not None:
        all_rules(settings.auth)  # what is wrong with the issuers is told before anything listens, too
    log_format.set_up(level=settings.log.level, layout=settings.log.format, scrubber=prepared.scrubber)
    for problem in host_problems(prepared.problems):
        _log.warning("configuration: %s", problem, extra={"event": "config.warning"})
    log_exposures(settings)
    return asyncio.run(_serve(source, prepared.settings, on_started))


def _every_problem(prepared: Prepared) -> Iterator[Problem]:
    """Gives those in the modules' own settings too, which a start would not come to."""
    found = list(prepared.problems)
    for record in prepared.catalog.records.values():
        if record.state is ModuleState.STARTING:
            found += bind_module(record, prepared.loaded, prepared.scrubber).problems
    for problem in dict.fromkeys(found):
        yield replace(problem, message=prepared.scrubber.scrub(problem.message))


class _Source:
    """What is known of configuration and modules, read again at a reload."""

    def __init__(self, options: ServeOptions, environ: Mapping[str, str], scrubber: Scrubber) -> None:
        self.options = options
        self.environ = environ
        self._directory = Path.cwd()  # a module may change it, and a reload is to read the same files
        self.latest = prepare(options, environ, scrubber=scrubber, directory=self._directory)

    def read_again(self, host: Host) -> Prepared:
        """Gives the configuration as it is now; blocks while code is imported."""
        self.latest = prepare(
            self.options, self.environ, reuse=host.catalog, scrubber=host.scrubber, directory=self._directory
        )
        return self.latest


async def _serve(source: _Source, settings: HostSettings, on_started: OnStarted) -> int:
    prepared = source.latest
    audit = AuditLog(refusals_per_minute=logged_refusals(settings))
    host = Host(
        prepared.loaded,
        settings,
        prepared.catalog,
        scrubber=prepared.scrubber,
        rediscover=lambda *_: source.latest.catalog,
        environ=source.environ,
    )
    front = Front(host, audit=audit)
    opened: asyncio.Future[Authenticator] = asyncio.get_running_loop().create_future()

    async def open_rest() -> None:
        # Once the socket listens: it takes about as long to load as all that was loaded before.
        usual = sys.getswitchinterval()
        sys.setswitchinterval(_TURN)
        try:
            await in_own_thread("nexus-loading", lambda: importlib.import_module("nexus.assembly"))
        finally:
            sys.setswitchinterval(usual)
        from nexus import assembly  # noqa: PLC0415

        opened.set_result(await rest.enter_async_context(assembly.opened(front)))

    async def start(server: HttpServer) -> int | None:
        try:
            await host.start(open_rest)
        finally:
            front.complete()  # where it failed, who waits is refused at once
        on_started(host, server)
        return await _first_failure(host) if source.options.strict else None

    async def reload() -> None:
        # By a signal, of which the system does not tell who sent it.
        audit.record(Decision(action="reload", target="SIGHUP", decision="allowed"))
        # First, and whatever becomes of the rest: a key that was withdrawn opens nothing from here on.
        await (await asyncio.shield(opened)).reload_keys()
        again = await asyncio.to_thread(source.read_again, host)
        report = await host.reload(again.loaded, again.settings)
        if report.log_level is not None:
            logging.getLogger().setLevel(report.log_level.upper())

    async with host, AsyncExitStack() as rest:
        return await serving.run(front.app, host, started=start, reload=reload)


async def _first_failure(host: Host) -> int | None:
    """Waits until a module has failed, at the start or later, and gives the exit code for it."""
    while host.phase == "running":
        async with host.events.subscribe() as events:  # ends early where too many events come at once
            if failures := host.failures():
                told = ", ".join(f"module {name} {state.in_words}" for name, state, _reason in failures)
                _log.error("the host ends, as --strict asks for: %s", told, extra={"event": "host.strict"})
                states = {state for _name, state, _reason in failures}
                return EXIT_INVALID if ModuleState.INVALID_CONFIG in states else EXIT_MODULE_FAILED
            async for _event in events:
                if host.failures():
                    break
    return None
