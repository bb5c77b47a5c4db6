"""Who looks at the pages, and the gate through which everybody comes to them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from aiohttp import web


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Somebody who is signed in.

    Attributes:
        subject: `sub` of the token or link that the session began with.
        issuer: who vouches for it.
        name: what the pages call the person; the subject, where the issuer tells no name.
        may_act: True for the role admin; a viewer reads only.
        csrf_token: goes into every form; checked with each action.
        session_id: names the session in lists and in the audit log; it is not what the cookie holds.
        signed_in_at: instant in UTC.
        expires_at: instant in UTC at which the session ends whatever is done in it.
    """

    subject: str
    issuer: str
    name: str
    may_act: bool
    csrf_token: str = field(repr=False)
    session_id: str
    signed_in_at: datetime
    expires_at: datetime


Page = Callable[[web.Request, Viewer], Awaitable[web.StreamResponse]]
"""Answers one request of somebody who is signed in."""


class Gate(Protocol):
    """Lets signed-in people through to the pages, and sends everybody else to the sign-in page."""

    def page(self, page: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Gives the handler of a page that any viewer may read (GET)."""
        ...

    def action(self, action: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Gives the handler of an action (POST): same origin, the session's CSRF token, and the role admin."""
        ...

    async def viewer(self, request: web.Request) -> Viewer | None:
        """Gives who is signed in, None where nobody is (any more); a stream that goes on asks again and again."""
        ...
