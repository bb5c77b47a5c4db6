"""The first and the last of 10,000 routes, of 1,000 modules with 10 routes each, in one host."""

from functools import partial
from pathlib import Path

from load import requests_per_second
from measurement import Effort, Row, alternate, median_ratio
from servers import free_port, nexus_command, serving

MODULES, ROUTES = 1000, 10

MODULE = '''
from aiohttp import web
import nexus

module = nexus.Module("{name}", version="1.0.0")

async def item(request: web.Request) -> web.Response:
    """Name the item that was asked for."""
    return web.json_response({{"item": request.match_info["item"]}})

for number in range({routes}):
    module.get(f"/items/{{{{item}}}}/part{{number}}", access=nexus.PUBLIC)(item)
'''


def measure(folder: Path, effort: Effort) -> list[Row]:
    names = [f"module{number:04}" for number in range(MODULES)]
    (folder / "modules").mkdir()
    for name in names:
        (folder / "modules" / f"{name}.py").write_text(MODULE.format(name=name, routes=ROUTES))
    tables = "".join(f'[modules.{name}]\npath = "modules"\n' for name in names)
    (folder / "config.toml").write_text(f"[modules.liveness]\n{tables}")
    port = free_port()
    first = f"/m/{names[0]}/items/7/part0"
    last = f"/m/{names[-1]}/items/7/part{ROUTES - 1}"
    with serving(nexus_command(folder, port), folder, port, last):
        ours, theirs = alternate(
            effort.rounds,
            partial(requests_per_second, f"http://127.0.0.1:{port}{last}", effort),
            partial(requests_per_second, f"http://127.0.0.1:{port}{first}", effort),
        )
    return [
        Row(
            name="the last of 10,000 routes : the first",
            unit="requests/s",
            ours=ours,
            theirs=theirs,
            target="ratio 0.90 to 1.10",
            reached=0.90 <= median_ratio(ours, theirs) <= 1.10,
        )
    ]
