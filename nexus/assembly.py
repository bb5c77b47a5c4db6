"""The rest of a host behind its front: what verifies tokens, the introspection API, the pages.

To load it takes about as long as to load all that a public route needs, so `nexus serve` does it once the socket
listens; see `nexus.serve`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from nexus.api import introspection
from nexus.auth import resource_metadata
from nexus.auth.audit import AuditLog
from nexus.auth.authenticator import Authenticator
from nexus.auth.readiness import keys_readiness
from nexus.front import Front, logged_refusals
from nexus.host.host import Host
from nexus.ui.site import Site


@asynccontextmanager
async def assembled(host: Host) -> AsyncIterator[web.Application]:
    """Opens `host` with all that belongs to it, and gives the application that serves it."""
    front = Front(host, audit=AuditLog(refusals_per_minute=logged_refusals(host.settings)))
    async with host, opened(front):
        yield front.app


@asynccontextmanager
async def opened(front: Front) -> AsyncIterator[Authenticator]:
    """Opens what belongs to a host, which is entered, besides its front, and gives what verifies tokens.

    Raises:
        StateDirectoryUnusable: the local issuer's key cannot be kept.
        UnsafeFile: that key is damaged, or others could have read it.
        ContradictoryIssuers: two issuers have one name.
    """
    host, settings = front.host, front.host.settings.global_
    async with (
        # Not the modules' connections: one that holds them all must not keep the host from the issuers' keys.
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        Authenticator(settings.auth, state_dir=host.state_dir, session=session, spawn=host.supervisor.start) as keys,
        Site(host, keys, audit=front.audit, session=session) as site,
    ):
        front.guard.attach(keys)
        host.add_readiness_source("auth", lambda: keys_readiness(keys))
        resource_metadata.add(front.routes, settings, issuers=keys.issuers, permission=keys.permission)
        introspection.add(front.routes, host, permission=keys.permission, counters=keys.counters)
        site.add(front.routes)
        front.complete()
        yield keys
