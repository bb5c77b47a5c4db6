"""The list of all modules, and the page of one."""

import asyncio
from typing import Any, Final

from aiohttp import web

from nexus.api.modules import Modules
from nexus.host.host import Host
from nexus.ui.page_book import PageBook
from nexus.ui.panels import shown_panels
from nexus.ui.pictures.waterfall import waterfall
from nexus.ui.rendering import render
from nexus.ui.viewer import Viewer
from nexus.ui.views.jobs import jobs_of_module
from nexus.ui.views.kept import kept
from nexus.ui.views.listing import listed, read_text
from nexus.ui.views.module_rows import count_groups, module_rows
from nexus.ui.views.readme import read_readme

_GROUPS: Final = ("attention", "running", "off")

_MOST: Final = 50
"""Jobs and routes that the page of one module shows; the lists of all have the others."""


def add(pages: PageBook, host: Host) -> None:
    """Adds the pages of this file."""
    views = Modules(host)
    all_rows, groups = kept(host, module_rows), kept(host, count_groups)

    async def every(request: web.Request, viewer: Viewer) -> web.Response:
        text, group = read_text(request, "q").lower(), read_text(request, "show")
        group = group if group in _GROUPS else ""
        rows = [row for row in all_rows() if (not group or row.group == group) and text in row.text]
        table = listed(
            rows,
            request,
            columns={
                "state": lambda row: row.weight,
                "name": lambda row: row.name,
                "version": lambda row: (row.version or "", row.name),
                "since": lambda row: (row.since, row.name),
            },
            default="state",
            filters=("q", "show"),
        )
        data = {"table": table, "q": text, "show": group, "counts": groups(), "watch": "modules"}
        return render(request, "modules.html", data, viewer=viewer)

    async def one(request: web.Request, viewer: Viewer) -> web.Response:
        name = request.match_info["module"]
        module = views.module(name)
        readme = await asyncio.to_thread(read_readme, module.record.readme)
        data: dict[str, Any] = {
            "module": views.view(name),
            "location": module.record.location,
            "last_reload": module.status.last_reload,
            "settings": module.settings_views,
            "timing": waterfall(module.status.timing),
            "jobs": await jobs_of_module(host, name, _MOST),
            "job_count": len(host.jobs.source.definitions(name)),
            "most": _MOST,
            "readme": readme,
            "panels": await shown_panels(request, host, module),
            "own_pages": [panel for panel in module.record.panels if panel.place == "page"],
            "dependents": [other.name for other in host.modules.values() if name in other.requires],
            "watch": f"module:{name}",
        }
        return render(request, "module.html", data, viewer=viewer)

    pages.page("/modules", every)
    pages.page("/modules/{module}", one)
