"""Who is signed in, what that allows, and where else: the sessions, each of which can be ended."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from aiohttp import web

from nexus.ui.page_book import PageBook
from nexus.ui.rendering import render
from nexus.ui.viewer import Viewer


class SessionOwner(Protocol):
    """Whose a session is."""

    @property
    def subject(self) -> str:
        """Unique within the issuer."""

    @property
    def name(self) -> str:
        """For people to read."""

    @property
    def may_act(self) -> bool:
        """True for the role admin."""


class OpenSession(Protocol):
    """A session as it is listed."""

    @property
    def name(self) -> str:
        """Tells it from others, and opens nothing."""

    @property
    def person(self) -> SessionOwner:
        """Who signed in."""

    @property
    def user_agent(self) -> str:
        """What the browser called itself."""

    @property
    def signed_in_at(self) -> datetime:
        """Instant in UTC."""

    @property
    def seen_at(self) -> datetime:
        """Instant in UTC of the last use."""

    @property
    def expires_at(self) -> datetime:
        """Instant in UTC."""


Sessions = Callable[[Viewer], Awaitable[Sequence[OpenSession]]]
"""Gives the sessions that somebody may see: the own ones, or all for an admin."""


def add(pages: PageBook, sessions: Sessions | None, *, permission: str) -> None:
    """Adds the page of this file.

    Args:
        pages: takes it.
        sessions: lists them; None where nothing keeps any.
        permission: what the API asks for.
    """

    async def me(request: web.Request, viewer: Viewer) -> web.Response:
        data: dict[str, Any] = {
            "sessions": await sessions(viewer) if sessions is not None else (),
            "permission": permission,
        }
        return render(request, "me.html", data, viewer=viewer)

    pages.page("/me", me)
