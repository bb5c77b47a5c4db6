"""The files that pages load: style, script, and the script library; from memory, under a version, for good."""

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from nexus.spec.errors import Problem

_DIRECTORY: Final = Path(__file__).parent / "static"

FILES: Final[Mapping[str, str]] = {
    "nexus.css": "text/css",
    "nexus.js": "text/javascript",
    "icon.svg": "image/svg+xml",
    "vendor/htmx.min.js": "text/javascript",
    "vendor/hx-sse.min.js": "text/javascript",
}
"""Each file that is served, and its media type; nothing else in the folder is."""

_FOREVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """All files.

    Attributes:
        version: changes with any of them.
        contents: by name.
    """

    version: str
    contents: Mapping[str, bytes]


@functools.cache
def static_files() -> StaticFiles:
    """Gives the files; read once, when the first page is shown."""
    contents = {name: (_DIRECTORY / name).read_bytes() for name in FILES}
    digest = hashlib.sha256(b"\0".join(name.encode() + b"\0" + body for name, body in contents.items()))
    return StaticFiles(digest.hexdigest()[:12], contents)


async def serve_static(request: web.Request) -> web.Response:
    """Serve a file of the pages.

    Raises:
        Problem: 404, it is none of them.
    """
    name, version = request.match_info["name"], request.match_info["version"]
    files = static_files()
    body = files.contents.get(name)
    if body is None:
        raise Problem(404, "there is no such file")
    # Another replica's version of a page may ask here: it gets what there is, and asks again the next time.
    is_current = version == files.version
    return web.Response(
        body=body,
        content_type=FILES[name],
        charset="utf-8",
        headers={
            "Cache-Control": _FOREVER if is_current else "no-store",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )
