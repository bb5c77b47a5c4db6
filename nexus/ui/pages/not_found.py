"""What is nowhere below `/ui`, told as a page."""

from aiohttp import web

from nexus.spec.errors import Problem
from nexus.ui.page_book import PageBook
from nexus.ui.viewer import Viewer


def add(pages: PageBook) -> None:
    """Adds the page of this file; every other path wins over it."""

    async def not_found(_request: web.Request, _viewer: Viewer) -> web.Response:
        raise Problem(404, "There is no page at this address.")

    pages.page("/{rest:.*}", not_found)
