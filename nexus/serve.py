"""The composition root: what a host is made of, in the order in which it is put together."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

import aiohttp
from aiohttp import web

from nexus.api import introspection
from nexus.auth import resource_metadata
from nexus.auth.allowance import Allowance
from nexus.auth.audit import AuditLog, Decision
from nexus.auth.authenticator import Authenticator
from nexus.auth.exposure import check_bind_address, log_exposures
from nexus.auth.guard import Guard
from nexus.auth.readiness import keys_readiness
from nexus.config.auth_settings import AuthSettings
from nexus.config.host_binding import host_problems
from nexus.config.problem import InvalidConfig, Problem
from nexus.config.scrubber import Scrubber
from nexus.config.settings import HostSettings
from nexus.config.state_dir import ensure
from nexus.host.host import Host
from nexus.host.module_settings import bind_module
from nexus.http import application, log_format, probes, serving
from nexus.http.host_routes import HostRoutes
from nexus.http.server import HttpServer
from nexus.http.uncaught import uncaught_logged
from nexus.preparation import Prepared, ServeOptions, prepare
from nexus.spec.state import ModuleState
from nexus.ui.rendering import RENDERING, Rendering
from nexus.ui.site import Site

_log: Final = logging.getLogger("nexus.serve")

OnStarted = Callable[[Host, HttpServer], None]
"""Told once the host serves: prints where, and what runs."""

EXIT_MODULE_FAILED: Final = 1
EXIT_INVALID: Final = 3
"""Under `--strict`, where a module does not run: because its configuration is wrong, or for another reason."""


def run(options: ServeOptions, on_started: OnStarted, environ: Mapping[str, str] = os.environ) -> int:
    """Serves until a signal ends it, and gives the process' exit code.

    Raises:
        InvalidConfig: the host as a whole cannot start.
        NexusError: the address, the state directory or the local issuer cannot be used.
    """
    # Before any module's code is imported: what it logs then may quote a secret, too.
    scrubber = Scrubber()
    log_format.set_up(level="info", layout="auto", scrubber=scrubber)
    with uncaught_logged():
        return _run(options, on_started, environ, scrubber)


def _run(options: ServeOptions, on_started: OnStarted, environ: Mapping[str, str], scrubber: Scrubber) -> int:
    prepared = prepare(options, environ, scrubber=scrubber)
    if prepared.settings is None:
        raise InvalidConfig(_every_problem(prepared))
    settings = prepared.settings.global_
    check_bind_address(settings.auth, settings.server.host)
    log_format.set_up(level=settings.log.level, layout=settings.log.format, scrubber=prepared.scrubber)
    for problem in host_problems(prepared.problems):
        _log.warning("configuration: %s", problem, extra={"event": "config.warning"})
    log_exposures(settings)
    return asyncio.run(_serve(_Source(options, environ, prepared), prepared.settings, on_started))


def _every_problem(prepared: Prepared) -> Iterator[Problem]:
    """Gives those in the modules' own settings too, which a start would not come to."""
    found = list(prepared.problems)
    for record in prepared.catalog.records.values():
        if record.state is ModuleState.STARTING:
            found += bind_module(record, prepared.loaded, prepared.scrubber).problems
    for problem in dict.fromkeys(found):
        yield replace(problem, message=prepared.scrubber.scrub(problem.message))


@asynccontextmanager
async def assembled(host: Host) -> AsyncIterator[web.Application]:
    """Opens `host` with all that belongs to it, and gives the application that serves it."""
    async with _opened(host, AuditLog(refusals_per_minute=_logged_refusals(host.settings))) as (app, _keys):
        yield app


@asynccontextmanager
async def _opened(host: Host, audit: AuditLog) -> AsyncIterator[tuple[web.Application, Authenticator]]:
    settings = host.settings.global_
    ensure(host.state_dir)
    refusals = Allowance(_logged_refusals(host.settings))
    guard = Guard(resource_metadata=resource_metadata.address(settings), audit=audit, refusals=refusals)
    async with (
        host,
        # Not the modules' connections: one that holds them all must not keep the host from the issuers' keys.
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        Authenticator(settings.auth, state_dir=host.state_dir, session=session, spawn=host.supervisor.start) as keys,
        Site(host, keys, audit=audit, session=session) as site,
    ):
        guard.attach(keys)
        host.add_readiness_source("auth", lambda: keys_readiness(keys))
        routes = HostRoutes()
        probes.add(routes, host, lambda request: guard.allows(request, keys.permission))
        resource_metadata.add(routes, settings, issuers=keys.issuers, permission=keys.permission)
        introspection.add(routes, host, permission=keys.permission, counters=keys.counters)
        site.add(routes)
        app = application.build(host, routes=routes, guard=guard.middleware)
        app[RENDERING] = Rendering(host)
        yield app, keys


def _logged_refusals(settings: HostSettings) -> int:
    return (settings.global_.auth or AuthSettings()).logged_refusals


class _Source:
    """What is known of configuration and modules, read again at a reload."""

    def __init__(self, options: ServeOptions, environ: Mapping[str, str], prepared: Prepared) -> None:
        self.options = options
        self.environ = environ
        self.latest = prepared

    def read_again(self, host: Host) -> Prepared:
        """Gives the configuration as it is now; blocks while code is imported."""
        self.latest = prepare(self.options, self.environ, reuse=host.catalog, scrubber=host.scrubber)
        return self.latest


async def _serve(source: _Source, settings: HostSettings, on_started: OnStarted) -> int:
    prepared = source.latest
    audit = AuditLog(refusals_per_minute=_logged_refusals(settings))
    host = Host(
        prepared.loaded,
        settings,
        prepared.catalog,
        scrubber=prepared.scrubber,
        rediscover=lambda *_: source.latest.catalog,
        environ=source.environ,
    )

    async def start(server: HttpServer) -> int | None:
        await host.start()
        on_started(host, server)
        return await _first_failure(host) if source.options.strict else None

    async def reload(keys: Authenticator) -> None:
        # By a signal, of which the system does not tell who sent it.
        audit.record(Decision(action="reload", target="SIGHUP", decision="allowed"))
        # First, and whatever becomes of the rest: a key that was withdrawn opens nothing from here on.
        await keys.reload_keys()
        again = await asyncio.to_thread(source.read_again, host)
        report = await host.reload(again.loaded, again.settings)
        if report.log_level is not None:
            logging.getLogger().setLevel(report.log_level.upper())

    async with _opened(host, audit) as (app, keys):
        return await serving.run(app, host, started=start, reload=lambda: reload(keys))


async def _first_failure(host: Host) -> int | None:
    """Waits until a module has failed, at the start or later, and gives the exit code for it."""
    while host.phase == "running":
        async with host.events.subscribe() as events:  # ends early where too many events come at once
            if failures := host.failures():
                told = ", ".join(f"module {name} is {state}" for name, state, _reason in failures)
                _log.error("the host ends, as --strict asks for: %s", told, extra={"event": "host.strict"})
                states = {state for _name, state, _reason in failures}
                return EXIT_INVALID if ModuleState.INVALID_CONFIG in states else EXIT_MODULE_FAILED
            async for _event in events:
                if host.failures():
                    break
    return None
