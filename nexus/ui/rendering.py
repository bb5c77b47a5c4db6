"""Turns a template and its data into an answer: everything escaped, scrubbed, and under one strict policy.

The template engine is loaded with the first page that somebody looks at: a host that nobody looks at pays nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from nexus.host.host import Host
from nexus.http.keys import REQUEST_ID
from nexus.ui.flash import COOKIE, read_flash, redirect
from nexus.ui.static_files import static_files
from nexus.ui.viewer import Viewer

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES: Final = Path(__file__).parent / "templates"

_NO_DATA: Final[Mapping[str, Any]] = {}

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No inline script or style, nothing from another origin, no embedding (CSP level 3)."""

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every answer below `/ui` that is not a static file."""


SEEN: Final = web.RequestKey("nexus.ui.seen", int)
"""Id of the last event before anything of the page was read."""


class Rendering:
    """Makes pages.

    Args:
        host: its name and mount point are on every page.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self.base = host.settings.global_.path.rstrip("/") + "/ui"
        self._opened: Environment | None = None

    def note_beginning(self, request: web.Request) -> None:
        """Notes which events had happened before the page was read: its stream tells of all that come after."""
        request[SEEN] = self._host.events.last_id

    def href(self, path: str = "") -> str:
        """Gives the path of a page, `/modules` say, as a link has it: below the mount point."""
        return self.base + path

    def asset(self, name: str) -> str:
        """Gives the path of a static file."""
        return f"{self.base}/static/{static_files().version}/{name}"

    def html(self, request: web.Request, template: str, data: Mapping[str, Any], viewer: Viewer | None) -> str:
        """Gives the page as text."""
        context: dict[str, Any] = {
            "viewer": viewer,
            "host": self._host,
            "here": request.rel_url.raw_path_qs,
            "path": request.rel_url.raw_path.removeprefix(self.base),
            "event_id": request.get(SEEN, 0),
            "flash": read_flash(request),
            "request_id": request.get(REQUEST_ID, ""),
            "watch": None,
        }
        return self.environment.get_template(template).render({**context, **data})

    @property
    def environment(self) -> "Environment":
        """The template engine; loaded when it is first asked for."""
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def _open(self) -> "Environment":
        import aiohttp_jinja2  # noqa: PLC0415 - loaded with the first page
        from jinja2 import FileSystemLoader, StrictUndefined  # noqa: PLC0415
        from markupsafe import Markup  # noqa: PLC0415

        from nexus.ui.filters import filters  # noqa: PLC0415

        scrub = self._host.scrubber.scrub

        def finalize(value: object) -> object:
            """Takes secrets out of each value before it is escaped; what our filters have marked up holds none."""
            if isinstance(value, Markup):
                return value
            return "" if value is None else scrub(str(value))

        # An application of its own: the host's is frozen once it serves.
        environment = aiohttp_jinja2.setup(
            web.Application(),
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=finalize,
            filters=filters(self._now),
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            default_helpers=False,
        )
        environment.globals.update({"href": self.href, "asset": self.asset, "now": self._now})
        environment.policies["urlize.rel"] = "noopener noreferrer"
        return environment

    def _now(self) -> datetime:
        return self._host.clock.now()


RENDERING: Final = web.RequestKey("nexus.ui.rendering", Rendering)
"""Set in each request for a page."""


def render(
    request: web.Request,
    template: str,
    data: Mapping[str, Any] = _NO_DATA,
    *,
    viewer: Viewer | None = None,
    status: int = 200,
) -> web.Response:
    """Gives the answer that shows a page.

    Args:
        request: what is answered.
        template: its file below `templates`, such as `overview.html`.
        data: what the template shows; every value is scrubbed and escaped.
        viewer: who looks; None for a page before sign-in.
        status: of the answer.
    """
    rendering = request[RENDERING]
    response = web.Response(
        text=rendering.html(request, template, data, viewer), status=status, content_type="text/html", headers=HEADERS
    )
    if COOKIE in request.cookies:
        response.del_cookie(COOKIE, path=rendering.base)
    return response


def go_to(request: web.Request, path: str, flash: str, **gaps: str | int) -> web.Response:
    """Gives a 303 to another page, which then shows the text that `flash` names.

    Args:
        request: that is answered.
        path: of the page, below `/ui`.
        flash: the text's name.
        gaps: what is put into it.
    """
    rendering = request[RENDERING]
    return redirect(rendering.href(path), base=rendering.base, flash=flash, **gaps)
