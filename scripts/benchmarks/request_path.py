"""A public and a protected route through the whole stack, beside the same body from plain aiohttp."""

from functools import partial
from pathlib import Path

from load import body, requests_per_second
from measurement import Effort, Row, alternate, median_ratio
from servers import free_port, nexus_command, plain_command, serving, token

CONFIGURATION = """
[modules.liveness]
[modules.guarded]
path = "modules"
"""

MODULE = '''
from aiohttp import web
import nexus

guarded = nexus.Module("guarded", version="1.0.0")

@guarded.get("/up")
async def up(request: web.Request) -> web.Response:
    """Answer as the liveness module does, but only to a valid token."""
    return web.json_response({"message": "up"})
'''


def measure(folder: Path, effort: Effort) -> list[Row]:
    (folder / "config.toml").write_text(CONFIGURATION)
    (folder / "modules").mkdir()
    (folder / "modules" / "guarded.py").write_text(MODULE)
    ours, theirs = free_port(), free_port()
    plain = f"http://127.0.0.1:{theirs}/up"
    public, protected = (f"http://127.0.0.1:{ours}/m/{module}/up" for module in ("liveness", "guarded"))
    with (
        serving(nexus_command(folder, ours), folder, ours, "/m/liveness/up"),
        serving(plain_command(theirs), folder, theirs, "/up"),
    ):
        bearer = token(folder)
        assert body(plain) == body(public) == body(protected, token=bearer)
        return [
            compared("`GET /m/liveness/up`", public, plain, None, 0.80, effort),
            compared("the same body, protected, valid token", protected, plain, bearer, 0.65, effort),
        ]


def compared(name: str, url: str, plain: str, bearer: str | None, target: float, effort: Effort) -> Row:
    ours, theirs = alternate(
        effort.rounds,
        partial(requests_per_second, url, effort, token=bearer),
        partial(requests_per_second, plain, effort),
    )
    return Row(
        name=f"{name} : plain aiohttp",
        unit="requests/s",
        ours=ours,
        theirs=theirs,
        target=f"ratio {target:.2f} or better",
        reached=median_ratio(ours, theirs) >= target,
    )
