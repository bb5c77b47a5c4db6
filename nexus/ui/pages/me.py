"""Who is signed in, what that allows, and where else: the sessions, each of which can be ended."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from nexus.ui.page_book import PageBook
from nexus.ui.rendering import render
from nexus.ui.sign_in.session import Session
from nexus.ui.viewer import Viewer
from nexus.ui.views.listing import listed

Sessions = Callable[[Viewer], Awaitable[Sequence[Session]]]
"""Gives the sessions that somebody may see: the own ones, or all for an admin."""


def add(pages: PageBook, sessions: Sessions | None, *, permission: str) -> None:
    """Adds the page of this file.

    Args:
        pages: takes it.
        sessions: lists them; None where nothing keeps any.
        permission: what the API asks for.
    """

    async def me(request: web.Request, viewer: Viewer) -> web.Response:
        table = listed(
            await sessions(viewer) if sessions is not None else (),
            request,
            columns={
                "who": lambda session: (session.person.name, session.seen_at),
                "begun": lambda session: session.signed_in_at,
                "used": lambda session: session.seen_at,
                "ends": lambda session: session.expires_at,
            },
            default="-used",
        )
        data: dict[str, Any] = {"table": table, "permission": permission}
        return render(request, "me.html", data, viewer=viewer)

    pages.page("/me", me)
