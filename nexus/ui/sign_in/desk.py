"""Where sessions are given, shown and taken; each of it leaves a line in the audit log."""

import time
from dataclasses import dataclass
from functools import partial

from aiohttp import hdrs, web

from nexus.auth.audit import AuditLog, Decision
from nexus.auth.refusal import Reason
from nexus.config.ui_settings import UiSettings
from nexus.http.keys import REQUEST_ID
from nexus.spec.principal import Principal
from nexus.ui.flash import redirect
from nexus.ui.sign_in import session as sessions
from nexus.ui.sign_in.cookies import Cookies
from nexus.ui.sign_in.principal import principal_of
from nexus.ui.sign_in.session import Person, Session
from nexus.ui.sign_in.store import Store
from nexus.ui.viewer import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDesk:
    """Gives, shows and takes sessions.

    Attributes:
        store: of sessions.
        cookies: as browsers get them.
        settings: how long a session lives.
        audit: where it is written.
        base: path of all pages.
    """

    store: Store
    cookies: Cookies
    settings: UiSettings
    audit: AuditLog
    base: str

    async def sign_in(self, request: web.Request, person: Person, *, way: str, to: str) -> web.Response:
        """Gives a session to who has shown who it is, and sends the browser to a page.

        The session is always a new one, and one that the browser had ends: nobody can have put it there before.

        Args:
            request: what the session is given to.
            person: who it is.
            way: `link` or `issuer`, for the audit log.
            to: a path of this host.

        Raises:
            Problem: 503, the store does not answer.
        """
        old = self.cookies.session(request)
        if old is not None:
            await self.store(partial(sessions.end_of, secret=old))
        begin = partial(
            sessions.begin,
            person=person,
            now=time.time(),
            idle=self.settings.idle_timeout,
            lifetime=self.settings.lifetime,
            user_agent=request.headers.get(hdrs.USER_AGENT, ""),
        )
        secret, session = await self.store(begin)
        self._record(request, "ui.sign_in", way, principal_of(person, session.expires_at))
        response = redirect(to, base=self.base)
        self.cookies.set_session(request, response, secret)
        self.cookies.clear_attempt(request, response)
        return response

    def refuse(self, request: web.Request, reason: Reason, *, way: str, principal: Principal | None = None) -> None:
        """Notes that somebody was not let in."""
        self._record(request, "ui.sign_in", way, principal, reason)

    async def sign_out(self, request: web.Request, viewer: Viewer, *, to: str) -> web.Response:
        """Ends the session, and sends the browser to a page.

        Raises:
            Problem: 503, the store does not answer: the session may still be there.
        """
        await self.store(partial(sessions.end, name=viewer.session_id))
        self._record(request, "ui.sign_out", viewer.session_id, principal_of(viewer, viewer.expires_at))
        response = redirect(to, base=self.base)
        self.cookies.clear_session(request, response)
        return response

    async def list(self, viewer: Viewer) -> list[Session]:
        """Gives the sessions that `viewer` may see, the last used first: the own ones, or all for an admin.

        Raises:
            Problem: 503, the store does not answer.
        """
        alive = await self.store(partial(sessions.alive, now=time.time()))
        return [session for session in alive if _may_end(viewer, session)]

    async def revoke(self, request: web.Request, viewer: Viewer, name: str) -> bool:
        """Ends a session by its public name; False where `viewer` may see none of that name.

        Raises:
            Problem: 503, the store does not answer.
        """
        if all(session.name != name for session in await self.list(viewer)):
            return False
        has_ended = await self.store(partial(sessions.end, name=name))
        self._record(request, "ui.revoke", name, principal_of(viewer, viewer.expires_at))
        return has_ended

    def _record(
        self, request: web.Request, action: str, target: str, who: Principal | None, refused: Reason | None = None
    ) -> None:
        self.audit.record(
            Decision(
                action=action,
                target=target,
                decision="allowed" if refused is None else "refused",
                reason=refused,
                request_id=request[REQUEST_ID],
                principal=who,
            )
        )


def _may_end(viewer: Viewer, session: Session) -> bool:
    person = session.person
    return viewer.may_act or (person.subject, person.issuer) == (viewer.subject, viewer.issuer)
