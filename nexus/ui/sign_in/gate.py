"""The gate of the pages: who has no session goes to sign in, who may not act learns so, and no other site acts here."""

import hmac
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from urllib.parse import quote, urlsplit

from aiohttp import hdrs, web

from nexus.auth.audit import AuditLog, Decision
from nexus.auth.refusal import Reason
from nexus.http.keys import INFLIGHT, REQUEST_ID
from nexus.spec.errors import Problem
from nexus.ui.sign_in import session as sessions
from nexus.ui.sign_in.cookies import Cookies
from nexus.ui.sign_in.form import form_values
from nexus.ui.sign_in.principal import principal_of
from nexus.ui.sign_in.return_path import safe_return_path
from nexus.ui.sign_in.same_origin import is_same_origin
from nexus.ui.sign_in.session import Session
from nexus.ui.sign_in.store import Store
from nexus.ui.viewer import Page, Viewer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "X-CSRF-Token"
"""Where an action carries the session's token: a field of its form, or a header field set by script."""

_FORGED: Final = "this was not sent by a page of this host, or by one that is too old: reload the page and try again"


class SessionGate:
    """Lets signed-in people through.

    Nothing but the session's cookie says who somebody is: a bearer token or a proxy's header is not looked at.

    Args:
        store: of sessions.
        cookies: as browsers get them.
        base_url: how the outside reaches the host.
        base: path of all pages.
        audit: where actions are written.
    """

    def __init__(self, store: Store, cookies: Cookies, *, base_url: str, base: str, audit: AuditLog) -> None:
        self._store = store
        self._cookies = cookies
        self._base_url = base_url
        self._base = base
        self._audit = audit

    def page(self, page: Page) -> Handler:
        """Gives the handler of a page that any viewer may read."""

        async def show(request: web.Request) -> web.StreamResponse:
            viewer = await self.viewer(request)
            return await page(request, viewer) if viewer is not None else self._sent_to_sign_in(request)

        return show

    def action(self, action: Page) -> Handler:
        """Gives the handler of what an admin does."""
        return self._action(action, for_admin=True)

    def own_action(self, action: Page) -> Handler:
        """Gives the handler of what anybody does to sessions; it tells the audit log itself what it has done."""
        return self._action(action, for_admin=False)

    async def viewer(self, request: web.Request) -> Viewer | None:
        """Gives who is signed in; None where nobody is.

        Raises:
            Problem: 503, nobody can tell now.
        """
        secret = self._cookies.session(request)
        if secret is None:
            return None
        is_stream = "text/event-stream" in request.headers.get(hdrs.ACCEPT, "")
        # A page that keeps itself up to date is no use of the session: nobody may be looking at it any more.
        is_use = request.method == hdrs.METH_POST or not (is_stream or "HX-Request" in request.headers)
        find = partial(sessions.find, secret=secret, now=time.time(), is_use=is_use)
        session = await self._store(find)
        if session is None:
            return None
        if is_stream:
            # The stream ends with the session, at the latest.
            seen_until = session.seen_at + timedelta(seconds=session.idle)
            request[INFLIGHT].expires_at = min(session.expires_at, max(seen_until, datetime.now(UTC)))
        return _viewer(session)

    def _action(self, action: Page, *, for_admin: bool) -> Handler:
        async def act(request: web.Request) -> web.StreamResponse:
            viewer = await self.viewer(request)
            if viewer is None:
                return self._sent_to_sign_in(request)
            if not is_same_origin(request, self._base_url) or not await _has_token(request, viewer):
                self._record(request, viewer, Reason.FORGED_REQUEST)
                raise Problem(403, _FORGED)
            if for_admin and not viewer.may_act:
                self._record(request, viewer, Reason.LACKS_PERMISSION)
                raise Problem(403, "you may look at this host, and not act on it")
            if for_admin:
                self._record(request, viewer, None)
            return await action(request, viewer)

        return act

    def _sent_to_sign_in(self, request: web.Request) -> web.Response:
        if "HX-Request" in request.headers or "text/event-stream" in request.headers.get(hdrs.ACCEPT, ""):
            # A script that asks for a part of a page must not put the sign-in page there: it goes to it.
            away = {"HX-Redirect": self._sign_in_address(_path_of(request.headers.get("HX-Current-URL", "")))}
            response = web.Response(status=401, headers={**away, "Cache-Control": "no-store"})
        else:
            is_reading = request.method in (hdrs.METH_GET, hdrs.METH_HEAD)
            place = self._sign_in_address(request.rel_url.raw_path_qs if is_reading else None)
            response = web.Response(status=303, headers={"Location": place, "Cache-Control": "no-store"})
        if self._cookies.session(request) is not None:
            self._cookies.clear_session(request, response)
        return response

    def _sign_in_address(self, wanted: str | None) -> str:
        to = safe_return_path(wanted, self._base)
        return f"{self._base}/sign-in" + ("" if to == self._base else f"?to={quote(to, safe='/')}")

    def _record(self, request: web.Request, viewer: Viewer, refused: Reason | None) -> None:
        self._audit.record(
            Decision(
                action="ui.write",
                target=f"{request.method} {request.rel_url.raw_path[:200]}",
                decision="allowed" if refused is None else "refused",
                reason=refused,
                request_id=request[REQUEST_ID],
                principal=principal_of(viewer, viewer.expires_at),
            )
        )


def _path_of(address: str) -> str | None:
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return f"{parts.path}?{parts.query}".rstrip("?")


def _viewer(session: Session) -> Viewer:
    person = session.person
    return Viewer(
        subject=person.subject,
        issuer=person.issuer,
        name=person.name,
        may_act=person.may_act,
        csrf_token=session.csrf_token,
        session_id=session.name,
        signed_in_at=session.signed_in_at,
        expires_at=session.expires_at,
    )


async def _has_token(request: web.Request, viewer: Viewer) -> bool:
    sent = request.headers.getall(CSRF_HEADER, [])
    if not sent:
        sent = await form_values(request, CSRF_FIELD)
    if len(sent) != 1:
        return False
    # As bytes: texts with other letters than ASCII cannot be compared in constant time.
    return hmac.compare_digest(sent[0].encode("utf-8", "surrogatepass"), viewer.csrf_token.encode())
