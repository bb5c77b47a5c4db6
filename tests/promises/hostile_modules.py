"""Ten modules that break in ten ways, and a good one beside them."""

GOOD = '''
import asyncio, os, sys
from aiohttp import web
import nexus

good = nexus.Module("good", version="1.0.0")

@good.get("/ping", access=nexus.PUBLIC)
async def ping(request: web.Request) -> web.Response:
    """Answer."""
    return web.json_response({"message": "pong"})

@good.get("/inside", access=nexus.PUBLIC)
async def inside(request: web.Request) -> web.Response:
    """Tell what lives in this process."""
    return web.json_response({
        "tasks": sorted(task.get_name() for task in asyncio.all_tasks()),
        "files": len(os.listdir("/proc/self/fd")),
        "imported": sorted(name for name in sys.modules if name.startswith("nexus_modules")),
    })
'''

RAISES_AT_IMPORT = 'raise RuntimeError("the licence file is missing")\n'

EXITS_AT_IMPORT = "import sys\nsys.exit(3)\n"

SYNTAX_ERROR = "import nexus\n\ndef broken(:\n"

LACKS_DEPENDENCY = "import nexus\nimport a_library_that_nobody_installed\n"

INVALID_SETTINGS = """
from pydantic import BaseModel
import nexus

class Settings(BaseModel):
    retries: int = 3

module = nexus.Module("invalid_settings", version="1.0.0", settings=Settings)

@module.startup
async def start(context):
    open("invalid-settings-started", "w").close()
"""

START_HANGS = """
import asyncio
import nexus

module = nexus.Module("start_hangs", version="1.0.0")

@module.startup
async def start(context):
    context.tasks.start("beside", asyncio.Event().wait())
    await asyncio.Event().wait()
"""

START_FAILS = """
import asyncio
from pathlib import Path
from aiohttp import web
import nexus

module = nexus.Module("start_fails", version="1.0.0")

@module.get("/declared", access=nexus.PUBLIC)
async def declared(request):
    Path("start-fails-served").touch()
    return web.Response()

async def work():
    try:
        await asyncio.Event().wait()
    finally:
        Path("start-fails-task-ended").touch()

async def clean_up(name):
    with open("start-fails-cleanups", "a") as file:
        print(name, file=file)

@module.startup
async def start(context):
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.2", 0)
    await context.registry.enter(server)
    Path("start-fails-port").write_text(str(server.sockets[0].getsockname()[1]))
    context.registry.add_cleanup(lambda: clean_up("first"))
    context.registry.add_cleanup(lambda: clean_up("second"))
    context.registry.add_route("GET", "/added", declared, access=nexus.PUBLIC)
    context.tasks.start("work", work())
    await asyncio.sleep(0)
    raise ConnectionError("the warehouse at 10.0.0.7 refuses connections")
"""

HANDLER_RAISES = """
import asyncio
from aiohttp import web
import nexus

module = nexus.Module("handler_raises", version="1.0.0")

@module.get("/boom", access=nexus.PUBLIC)
async def boom(request):
    raise KeyError("customer 4711")

@module.get("/exit", access=nexus.PUBLIC)
async def leave(request):
    raise SystemExit(7)

@module.get("/nothing", access=nexus.PUBLIC)
async def nothing(request):
    return None

class Odd(BaseException):
    pass

@module.get("/odd", access=nexus.PUBLIC)
async def odd(request):
    raise Odd("no Exception at all")

@module.get("/cancelled", access=nexus.PUBLIC)
async def cancelled(request):
    task = asyncio.create_task(asyncio.sleep(60))
    task.cancel()
    await task

SENT = web.Response(text="made once")

@module.get("/again", access=nexus.PUBLIC)
async def again(request):
    return SENT

@module.get("/members", access=nexus.PUBLIC)
async def members(request):
    circle = {}
    circle["circle"] = circle
    raise nexus.Problem(500, "", circle=circle, number=float("nan"))

@module.get("/fine", access=nexus.PUBLIC)
async def fine(request):
    return web.Response(text="fine")
"""

TASK_DIES = """
import asyncio
from aiohttp import web
import nexus

module = nexus.Module("task_dies", version="1.0.0")

@module.get("/fine", access=nexus.PUBLIC)
async def fine(request):
    return web.Response(text="fine")

async def poll():
    await asyncio.sleep(0.01)
    raise ValueError("the feed has no column 'price'")

@module.startup
async def start(context):
    context.tasks.start("poll", poll())
"""

STOP_HANGS = """
import asyncio
from aiohttp import web
import nexus

module = nexus.Module("stop_hangs", version="1.0.0")

@module.get("/fine", access=nexus.PUBLIC)
async def fine(request):
    return web.Response(text="fine")

async def stubborn():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

@module.startup
async def start(context):
    context.tasks.start("stubborn", stubborn())

@module.shutdown
async def stop(context):
    await asyncio.Event().wait()
"""

SOURCES = {
    "good": GOOD,
    "raises_at_import": RAISES_AT_IMPORT,
    "exits_at_import": EXITS_AT_IMPORT,
    "syntax_error": SYNTAX_ERROR,
    "lacks_dependency": LACKS_DEPENDENCY,
    "invalid_settings": INVALID_SETTINGS,
    "start_hangs": START_HANGS,
    "start_fails": START_FAILS,
    "handler_raises": HANDLER_RAISES,
    "task_dies": TASK_DIES,
    "stop_hangs": STOP_HANGS,
}

CONFIG = """
[global.server]
shutdown_grace = 600
[global.log]
level = "debug"
[modules.good]
path = "mods"
required = true
[modules.raises_at_import]
path = "mods"
[modules.exits_at_import]
path = "mods"
[modules.syntax_error]
path = "mods"
[modules.lacks_dependency]
path = "mods"
[modules.invalid_settings]
path = "mods"
[modules.invalid_settings.config]
retries = "many"
[modules.start_hangs]
path = "mods"
startup_timeout = 1
[modules.start_fails]
path = "mods"
[modules.handler_raises]
path = "mods"
[modules.task_dies]
path = "mods"
[modules.stop_hangs]
path = "mods"
shutdown_timeout = 0.5
"""

FILES = {f"{name}.py": source for name, source in SOURCES.items()}
