"""The last decisions on the API and the pages: who did or tried what."""

from typing import Any, Final

from aiohttp import web

from nexus.auth.recent_decisions import RecentDecisions
from nexus.ui.page_book import PageBook
from nexus.ui.rendering import render
from nexus.ui.viewer import Viewer
from nexus.ui.views.listing import listed, read_text
from nexus.ui.views.places import place_of

_SHOW: Final = ("actions", "refused", "reads")


def add(pages: PageBook, decisions: RecentDecisions) -> None:
    """Adds the page of this file."""

    async def audit(request: web.Request, viewer: Viewer) -> web.Response:
        text, show = read_text(request, "q").lower(), read_text(request, "show")
        show = show if show in _SHOW else "actions"
        found = decisions.reads() if show == "reads" else decisions.actions()
        rows = [
            each
            for each in found
            if (show != "refused" or each.decision != "allowed")
            and (not text or text in f"{each.subject} {each.target} {each.action} {each.reason}".lower())
        ]
        table = listed(
            rows,
            request,
            columns={
                "at": lambda row: row.at,
                "who": lambda row: (row.subject or "", row.at),
                "decision": lambda row: (row.decision, row.at),
            },
            default="-at",
            filters=("q", "show"),
        )
        data: dict[str, Any] = {"table": table, "q": text, "show": show, "place_of": place_of}
        return render(request, "audit.html", data, viewer=viewer)

    pages.page("/audit", audit)
