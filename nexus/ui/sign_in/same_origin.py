"""Whether a request that changes something was sent by a page of this host."""

from aiohttp import hdrs, web
from yarl import URL

from nexus.ui.sign_in.authority import authority_of


def is_same_origin(request: web.Request, base_url: str) -> bool:
    """True where the browser says that the request comes from a page of the same origin.

    `Sec-Fetch-Site` says so itself (Fetch Metadata), and no page can forge it; browsers send `Origin: null` with it
    from pages that tell no referrer, as ours do. A browser without it must name the very origin.

    Args:
        request: a POST.
        base_url: how the outside reaches the host; on loopback, the address that the browser used is as good.
    """
    site = request.headers.getall("Sec-Fetch-Site", [])
    origin = request.headers.getall(hdrs.ORIGIN, [])
    if len(site) > 1 or len(origin) > 1:
        return False
    if site:
        return site == ["same-origin"] and (not origin or origin == ["null"] or origin[0] in _own(request, base_url))
    return bool(origin) and origin[0] in _own(request, base_url)


def _own(request: web.Request, base_url: str) -> set[str]:
    own = {str(URL(base_url).origin())}
    here = authority_of(request)
    if here.is_loopback:
        # A proxy on the way may speak https to the browser and plain http to us.
        own |= {f"{scheme}://{here.text}" for scheme in ("http", "https")}
    return own
