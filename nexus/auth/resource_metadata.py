"""`/.well-known/oauth-protected-resource`: whom to ask for a token, and for what (RFC 9728)."""

import json
from typing import Final

from aiohttp import web

from nexus.config.settings import GlobalSettings
from nexus.http.host_routes import HostRoutes
from nexus.spec.access import PUBLIC

PATH: Final = "/.well-known/oauth-protected-resource"


def address(settings: GlobalSettings) -> str:
    """Gives the document's address, as challenges name it."""
    return _resource(settings) + PATH


def add(routes: HostRoutes, settings: GlobalSettings, *, issuers: tuple[str, ...], permission: str) -> None:
    """Adds the document; it is public (RFC 9728, section 3).

    Args:
        routes: the host's own.
        settings: tell how the outside reaches the host.
        issuers: servers that give tokens; the local issuer is none.
        permission: what the introspection API asks for.
    """
    document: dict[str, object] = {
        "resource": _resource(settings),
        "resource_name": settings.name,
        "bearer_methods_supported": ["header"],
        "scopes_supported": [permission],
    }
    if issuers:
        document["authorization_servers"] = list(issuers)
    text = json.dumps(document)

    async def metadata(_request: web.Request) -> web.Response:
        return web.json_response(text=text, headers={"Cache-Control": "max-age=3600"})

    routes.add("GET", PATH, metadata, PUBLIC, "Tell whom to ask for a token (RFC 9728).")


def _resource(settings: GlobalSettings) -> str:
    return settings.base_url.rstrip("/") + settings.path.rstrip("/")
