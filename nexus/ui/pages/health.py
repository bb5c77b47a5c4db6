"""The probes with their reasons, every check, and what became of the tokens."""

from typing import Any

from aiohttp import web

from nexus.auth.counters import Counters
from nexus.host.host import Host
from nexus.ui.page_book import PageBook
from nexus.ui.rendering import render
from nexus.ui.viewer import Viewer
from nexus.ui.views.listing import listed

_ORDER = {"fail": 0, "warn": 1, "unknown": 2, "pass": 3}


def add(pages: PageBook, host: Host, counters: Counters) -> None:
    """Adds the page of this file."""

    async def health(request: web.Request, viewer: Viewer) -> web.Response:
        table = listed(
            host.health.results(),
            request,
            columns={
                "result": lambda row: (_ORDER[row.status], row.module, row.name),
                "module": lambda row: (row.module, row.name),
                "took": lambda row: (row.duration or 0.0, row.module, row.name),
            },
            default="result",
        )
        data: dict[str, Any] = {
            "probes": [
                ("Live", "/livez", "The process answers, and its event loop turns.", host.liveness()),
                ("Ready", "/readyz", "The host should be sent requests.", host.readiness()),
                ("Started", "/startupz", "The start is over.", host.startup()),
            ],
            "lag": host.stall.lag(),
            "table": table,
            "counters": counters,
            "watch": "health",
        }
        return render(request, "health.html", data, viewer=viewer)

    pages.page("/health", health)
