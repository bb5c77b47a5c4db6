"""How a host on this machine is reached."""

from typing import Final

_ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - what listens on all is reached by one


def local_url(host: str, port: int, path: str) -> str:
    """Gives the URL of a host that listens on `host`, mounted at `path`; without a slash at the end."""
    address = _ANY_ADDRESS.get(host, host)
    shown = f"[{address}]" if ":" in address else address
    return f"http://{shown}:{port}{path.rstrip('/')}"
