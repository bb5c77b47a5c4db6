"""The settings in effect with their origins, as `nexus config show --origin` has them; secrets are masked."""

from dataclasses import replace
from typing import Any

from aiohttp import web

from nexus.config.effective import views
from nexus.host.host import Host
from nexus.ui.page_book import PageBook
from nexus.ui.rendering import render
from nexus.ui.viewer import Viewer
from nexus.ui.views.listing import listed, read_text


def add(pages: PageBook, host: Host) -> None:
    """Adds the page of this file."""

    async def settings(request: web.Request, viewer: Viewer) -> web.Response:
        text, show = read_text(request, "q").lower(), read_text(request, "show")
        tree = host.loaded.tree
        found = [replace(view, path=f"global.{view.path}") for view in views(host.settings.global_, tree, ("global",))]
        shown = [
            view
            for view in found
            if (not text or text in view.path.lower()) and (show != "set" or view.origin.kind != "default")
        ]
        table = listed(
            shown,
            request,
            columns={
                "setting": lambda view: view.path,
                "from": lambda view: (view.origin.kind == "default", str(view.origin), view.path),
                "order": lambda _view: 0,  # as the model has them, which puts together what belongs together
            },
            default="order",
            filters=("q", "show"),
        )
        data: dict[str, Any] = {
            "table": table,
            "total": len(found),
            "given": sum(view.origin.kind != "default" for view in found),
            "q": text,
            "show": show,
            "directory": host.loaded.directory,
            "state_dir": host.state_dir,
        }
        return render(request, "settings.html", data, viewer=viewer)

    pages.page("/settings", settings)
