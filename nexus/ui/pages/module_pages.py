"""Pages that modules add: their own template and data, in the frame and under the policy of all pages."""

from typing import Any

from aiohttp import web

from nexus.api.modules import Modules
from nexus.host.host import Host
from nexus.spec.errors import Problem
from nexus.ui.page_book import PageBook
from nexus.ui.panels import shown_panel
from nexus.ui.rendering import render
from nexus.ui.viewer import Viewer


def add(pages: PageBook, host: Host) -> None:
    """Adds the page of this file."""
    views = Modules(host)

    async def one(request: web.Request, viewer: Viewer) -> web.Response:
        module, name = views.module(request.match_info["module"]), request.match_info["page"]
        panel = next((each for each in module.record.panels if each.name == name and each.place == "page"), None)
        if panel is None:
            raise Problem(404, "This module has no page of this name.")
        data: dict[str, Any] = {
            "module": module.name,
            "panel": await shown_panel(request, host, module, panel),
            "watch": f"module:{module.name}",
        }
        return render(request, "module_page.html", data, viewer=viewer)

    pages.page("/modules/{module}/pages/{page}", one)
