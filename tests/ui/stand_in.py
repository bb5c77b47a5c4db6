"""A host whose pages let one viewer in without sign-in: the real pages, the real host, another gate."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from unittest import mock

import aiohttp
from aiohttp import web

from nexus.api import introspection
from nexus.auth.allowance import Allowance
from nexus.auth.audit import AuditLog
from nexus.auth.authenticator import Authenticator
from nexus.auth.guard import Guard
from nexus.config.state_dir import ensure
from nexus.host.host import Host
from nexus.http import application, probes
from nexus.http.host_routes import HostRoutes
from nexus.spec.errors import Problem
from nexus.spec.module import Module
from nexus.testing import running_host as kit
from nexus.testing.running_host import RunningHost
from nexus.ui import dashboard
from nexus.ui.rendering import RENDERING, Rendering
from nexus.ui.viewer import Page, Viewer

CSRF: Final = "csrf-of-the-stand-in"


def viewer(**changes: Any) -> Viewer:
    """Somebody who may do everything."""
    now = datetime.now(UTC)
    known = Viewer(
        subject="ada",
        issuer="urn:nexus:local",
        name="Ada",
        may_act=True,
        csrf_token=CSRF,
        session_id="session-of-ada",
        signed_in_at=now,
        expires_at=now + timedelta(hours=8),
    )
    return replace(known, **changes)


class OpenGate:
    """Lets its one viewer in, and checks what every gate has to check of an action."""

    def __init__(self, viewer: Viewer) -> None:
        self.known: Viewer | None = viewer

    async def viewer(self, request: web.Request) -> Viewer | None:
        return self.known

    def page(self, page: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handler(request: web.Request) -> web.StreamResponse:
            return await page(request, self.known)

        return handler

    def action(self, action: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handler(request: web.Request) -> web.StreamResponse:
            form = await request.post()
            if form.get("csrf") != self.known.csrf_token:
                raise Problem(403, "the form is none that this session was given")
            if not self.known.may_act:
                raise Problem(403, "you may look, and not act: that takes the role admin")
            return await action(request, self.known)

        return handler


@asynccontextmanager
async def host_with_pages(
    *modules: Module[Any],
    state_dir: Path,
    settings: Mapping[str, Mapping[str, object]] | None = None,
    config: Mapping[str, object] | None = None,
    gate: OpenGate | None = None,
) -> AsyncIterator[RunningHost]:
    """Runs a host with pages until the block is left."""

    @asynccontextmanager
    async def assembled(host: Host) -> AsyncIterator[web.Application]:
        auth = host.settings.global_.auth
        ensure(host.state_dir)
        audit = AuditLog(refusals_per_minute=60)
        guard = Guard(resource_metadata="http://localhost", audit=audit, refusals=Allowance(60))
        async with (
            host,
            aiohttp.ClientSession() as session,
            Authenticator(auth, state_dir=host.state_dir, session=session, spawn=host.supervisor.start) as keys,
        ):
            guard.attach(keys)
            routes = HostRoutes()
            probes.add(routes, host, lambda request: guard.allows(request, keys.permission))
            introspection.add(routes, host, permission=keys.permission, counters=keys.counters)
            dashboard.add(routes, host, gate or OpenGate(viewer()), counters=keys.counters, decisions=audit.recent)
            app = application.build(host, routes=routes, guard=guard.middleware)
            app[RENDERING] = Rendering(host)
            yield app

    with mock.patch.object(kit, "assembled", assembled):
        async with kit.running_host(*modules, state_dir=state_dir, settings=settings, config=config) as host:
            yield host
