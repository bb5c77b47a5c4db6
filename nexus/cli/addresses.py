"""How a host on this machine is reached."""

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from nexus.auth.loopback import is_loopback

if TYPE_CHECKING:
    from nexus.config.settings import GlobalSettings

_ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - what listens on all is reached by one


def local_url(host: str, port: int, path: str) -> str:
    """Gives the URL of a host that listens on `host`, mounted at `path`; without a slash at the end."""
    address = _ANY_ADDRESS.get(host, host)
    shown = f"[{address}]" if ":" in address else address
    return f"http://{shown}:{port}{path.rstrip('/')}"


def pages_url(settings: "GlobalSettings", port: int) -> str:
    """Gives the URL by which a browser reaches a host that listens on `port`; without a slash at the end.

    A `base_url` of this machine without https is most often the default: the address listened on is surer.
    """
    base = urlsplit(settings.base_url)
    if base.scheme == "https" or not is_loopback(base.hostname or ""):
        return settings.base_url.rstrip("/") + settings.path.rstrip("/")
    return local_url(settings.server.host, port, settings.path)
