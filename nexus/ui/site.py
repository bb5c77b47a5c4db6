"""The dashboard as a whole: sign-in, and the pages behind it."""

from functools import partial
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import hdrs, web

from nexus.auth.audit import AuditLog
from nexus.auth.authenticator import Authenticator
from nexus.auth.exposure import local_issuer_serves
from nexus.config.settings import GlobalSettings
from nexus.host.host import Host
from nexus.http.host_routes import HostRoutes
from nexus.spec.access import PUBLIC
from nexus.spec.errors import Problem
from nexus.ui import dashboard
from nexus.ui.page_routes import shown
from nexus.ui.rendering import Rendering
from nexus.ui.sign_in.cookies import Cookies
from nexus.ui.sign_in.desk import SessionDesk
from nexus.ui.sign_in.gate import SessionGate
from nexus.ui.sign_in.issuer import IssuerSignIn
from nexus.ui.sign_in.pages import SignInPages
from nexus.ui.sign_in.store import Store


class Site:
    """The dashboard of one host; an async context manager for as long as it serves.

    Until somebody looks at a page, nothing of it is opened.

    Args:
        host: what is shown.
        keys: verify what an issuer says of who signs in.
        audit: where sign-ins and actions are written.
        session: for requests to the issuer.
    """

    def __init__(self, host: Host, keys: Authenticator, *, audit: AuditLog, session: aiohttp.ClientSession) -> None:
        settings = host.settings.global_
        self.base = settings.path.rstrip("/") + "/ui"
        self._host = host
        self._keys = keys
        self._audit = audit
        self._store = Store(settings.store, host.state_dir)
        cookies = Cookies.below(settings.base_url)
        self.gate = SessionGate(self._store, cookies, base_url=settings.base_url, base=self.base, audit=audit)
        self.sessions = SessionDesk(
            store=self._store, cookies=cookies, settings=settings.ui, audit=audit, base=self.base
        )
        self._issuer = _issuer_sign_in(settings, keys, self.sessions, session, self.base)
        self._pages = SignInPages(
            self.sessions,
            self.gate,
            base=self.base,
            base_url=settings.base_url,
            issuer=self._issuer,
            with_link=local_issuer_serves(settings.auth),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._store.close()

    def add(self, routes: HostRoutes) -> None:
        """Adds every route; all are public to the host's guard, which knows tokens alone: the gate decides."""
        pages, gate, rendering = self._pages, self.gate, Rendering(self._host)
        page = partial(shown, rendering=rendering)
        routes.add("GET", "/", self._to_pages, PUBLIC, "The dashboard, for a browser.")
        routes.add("GET", "/ui/sign-in", page(pages.begin), PUBLIC, "The ways to sign in.")
        routes.add("GET", "/ui/link", page(pages.show_link), PUBLIC, "The button of a one-time link.")
        routes.add("POST", "/ui/link", page(pages.use_link), PUBLIC, "Sign-in by a one-time link.")
        routes.add("POST", "/ui/sign-out", page(gate.own_action(pages.sign_out)), PUBLIC, "The end of the session.")
        if self._issuer is not None:
            routes.add("GET", "/ui/sign-in/start", page(self._issuer.begin), PUBLIC, "The way to the issuer.")
            routes.add("GET", "/ui/callback", page(self._issuer.end), PUBLIC, "The way back from the issuer.")
        revoke = page(gate.own_action(pages.revoke))
        routes.add("POST", "/ui/sessions/{session}/revoke", revoke, PUBLIC, "The end of a session.")
        dashboard.add(
            routes,
            self._host,
            gate,
            rendering,
            counters=self._keys.counters,
            decisions=self._audit.recent,
            permission=self._keys.permission,
            sessions=self.sessions.list,
        )

    async def _to_pages(self, request: web.Request) -> web.Response:
        """Send a browser to the dashboard.

        Raises:
            Problem: 404, it is no browser.
        """
        if "text/html" not in request.headers.get(hdrs.ACCEPT, ""):
            raise Problem(404, "there is nothing here: the API begins at /api")
        return web.Response(status=303, headers={"Location": self.base, "Cache-Control": "no-store"})


def _issuer_sign_in(
    settings: GlobalSettings, keys: Authenticator, desk: SessionDesk, session: aiohttp.ClientSession, base: str
) -> IssuerSignIn | None:
    outside = {issuer.rules.issuer: issuer for issuer in keys.trusted if issuer.rules.issuer in keys.issuers}
    if settings.ui.client_id is None or not outside:
        return None
    # The settings have seen to it that one of several is named.
    issuer = outside[settings.ui.issuer or next(iter(outside))]
    return IssuerSignIn(settings, issuer, keys, desk=desk, session=session, base=base)
