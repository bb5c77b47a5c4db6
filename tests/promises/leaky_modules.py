"""Modules that misuse their secrets in every way their authors could think of, and some more."""

SETTINGS = '''
import asyncio, base64, gc, json, logging, os, threading, urllib.parse, warnings
from aiohttp import web
from pydantic import BaseModel
import nexus

class Deeper(BaseModel):
    key: nexus.Secret

class Nested(BaseModel):
    key: nexus.Secret
    deeper: Deeper

class Settings(BaseModel):
    by_reference: nexus.Secret
    by_file: nexus.Secret
    by_variable: nexus.Secret
    by_mount: nexus.Secret
    by_name: nexus.Secret
    literal: nexus.Secret
    awkward: nexus.Secret
    lines: nexus.Secret
    plain_text: str
    dsn: str
    dsn_by_reference: str
    keys: list[nexus.Secret]
    nested: Nested
    headers: dict[str, nexus.Secret]

def secrets_of(settings):
    """Every secret, in the clear."""
    for name in ("by_reference", "by_file", "by_variable", "by_mount", "by_name", "literal", "awkward", "lines"):
        yield getattr(settings, name).reveal()
    yield settings.plain_text
    for url in (settings.dsn, settings.dsn_by_reference):
        yield url
        yield urllib.parse.urlsplit(url).password
    yield from (key.reveal() for key in settings.keys)
    yield settings.nested.key.reveal()
    yield settings.nested.deeper.key.reveal()
    yield from (value.reveal() for value in settings.headers.values())

def forms_of(settings):
    """Every secret in every form that it travels in."""
    for value in secrets_of(settings):
        raw = value.encode()
        yield value
        yield urllib.parse.quote(value)
        yield urllib.parse.quote(value, safe="")
        yield urllib.parse.urlencode({"key": value})
        yield base64.b64encode(raw).decode()
        yield base64.urlsafe_b64encode(raw).decode()
        yield base64.b64encode(b"ann:" + raw).decode()
        yield base64.b64encode(b"a:" + raw + b":b").decode()
        yield json.dumps({"key": value})
        yield json.dumps(json.dumps(value))
        yield repr(value)
        yield repr(raw)

def everything(settings):
    return " | ".join(forms_of(settings))

def cut_off(value, at):
    """A message in which the first `at` characters end in the middle of the secret."""
    return "x" * (at - len(value) // 2) + value
'''

LEAKY = (
    SETTINGS
    + '''
ABOUT = f"uses {os.environ['CANARY_LEAKY_BY_REFERENCE']}"
leaky = nexus.Module("leaky", version="1.0.0", settings=Settings, description=ABOUT)

class Holder:
    """Shows its secret wherever it is shown."""
    def __init__(self, value):
        self.value = value
    def __repr__(self):
        return f"Holder({self.value})"

def log_it(context, value):
    log = context.logger
    log.debug(value)
    log.info("the key is %s", value)
    log.warning("%(key)s", {"key": value})
    log.error("wrong arguments %s %s", value)
    log.info("fields", extra={"key": value, "bytes": value.encode(), "list": [value], "map": {"a": {"b": value}}})
    log.info("objects", extra={"object": Holder(value), "map_of_objects": {"a": Holder(value), "b": value.encode()}})
    log.info("sets", extra={"set": {value}, "objects": [Holder(value), ValueError(value)], "in_key": {value: 1}})
    log.info("names", extra={f"field {value}": 1})
    log.info("stack", stack_info=True)
    logging.getLogger(f"vendor.{value}").warning("said")
    logging.getLogger("vendor").log(35, "%r", Holder(value))
    try:
        try:
            raise KeyError(value)
        except KeyError as error:
            error.add_note(f"the key was {value}")
            raise ValueError(f"not {value}") from error
    except ValueError:
        log.exception("failed with %s", value)

def warn_it(value):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"deprecated key {value}", stacklevel=1)

def raise_in_thread(value):
    def fail():
        raise RuntimeError(f"thread with {value}")
    thread = threading.Thread(target=fail, name=f"thread {value}")
    thread.start()
    thread.join()

class Unraisable:
    def __init__(self, value):
        self.value = value
    def __del__(self):
        raise RuntimeError(f"in __del__ with {self.value}")

async def fail(value):
    raise RuntimeError(f"task with {value}")

@leaky.startup
async def start(context):
    settings = context.settings
    for value in secrets_of(settings):
        log_it(context, value)
    context.logger.warning("%s", everything(settings))
    for value in (settings.by_reference.reveal(), settings.awkward.reveal()):
        warn_it(value)
        raise_in_thread(value)
        Unraisable(value)
        forgotten = asyncio.create_task(fail(value), name=f"forgotten {value}")
        await asyncio.wait({forgotten})
        del forgotten
        asyncio.get_running_loop().call_exception_handler({"message": f"loop {value}", "object": Holder(value)})
        context.tasks.start(f"task {value}", fail(value))
        context.logger.info("%s", settings)
        context.logger.info("%r %s", settings.model_dump(), settings.model_dump_json())
        context.registry.add_route("GET", f"/hook/{urllib.parse.quote(value, safe='')}", refuse)
    gc.collect()
    try:
        Settings.model_validate({"by_reference": {"wrong": value}, "keys": everything(settings), "dsn": [value]})
    except ValueError as error:
        context.logger.warning("%s", error)

@leaky.shutdown
async def stop(context):
    raise RuntimeError(f"cannot close {everything(context.settings)}")

async def refuse(request):
    raise nexus.Problem(400, everything(nexus.context(request).settings))

@leaky.get("/bug", access=nexus.PUBLIC)
async def bug(request):
    raise RuntimeError(everything(nexus.context(request).settings))

@leaky.get("/problem", access=nexus.PUBLIC)
async def problem(request):
    settings = nexus.context(request).settings
    value = settings.by_reference.reveal()
    raise nexus.Problem(
        422,
        everything(settings),
        title=f"not {value}",
        headers={"X-Key": value, "X-Basic": base64.b64encode(b"ann:" + value.encode()).decode()},
        type=f"https://example.com/{value}",
        key=value,
        map={"a": [{value: value}]},
        object=Holder(value),
    )

@leaky.get("/http", access=nexus.PUBLIC)
async def http(request):
    settings = nexus.context(request).settings
    value = settings.by_reference.reveal()
    raise web.HTTPConflict(text=everything(settings), reason=f"not {value}", headers={"X-Key": value})

@leaky.get("/own", access=nexus.PUBLIC)
async def own(request):
    settings = nexus.context(request).settings
    body = json.dumps({"detail": everything(settings)})
    raise web.HTTPConflict(text=body, content_type="application/problem+json")

@leaky.get("/not-ready", access=nexus.PUBLIC)
async def not_ready(request):
    raise nexus.NotReady(everything(nexus.context(request).settings))

@leaky.get("/broken", access=nexus.PUBLIC)
async def broken(request):
    response = web.StreamResponse()
    await response.prepare(request)
    raise RuntimeError(everything(nexus.context(request).settings))

@leaky.get("/json", access=nexus.PUBLIC)
async def read(request):
    json.loads(everything(nexus.context(request).settings))

@leaky.get("/secret/{name}", access=nexus.PUBLIC)
async def by_path(request):
    raise web.HTTPNotFound(text=f"no {request.match_info['name']}")

@leaky.check("raises", interval=1)
async def raises(context):
    raise RuntimeError(everything(context.settings))

@leaky.check("raises-late", interval=1)
async def raises_late(context):
    raise RuntimeError(cut_off(context.settings.by_reference.reveal(), 500))

@leaky.check("observes", interval=1)
async def observes(context):
    value = context.settings.by_reference.reveal()
    return {"dsn": context.settings.dsn, value: [value, value.encode().decode()]}
'''
)


def leaky_start(name: str, raising: str) -> str:
    """A module whose start-up raises."""
    return f'''{SETTINGS}
{name} = nexus.Module("{name}", version="1.0.0", settings=Settings)

@{name}.startup
async def start(context):
    settings = context.settings
    value = settings.by_reference.reveal()
    raise {raising}
'''


IMPORT_RAISES = """
import logging, os
value = os.environ["CANARY_LEAKY_BY_REFERENCE"]
logging.getLogger("vendor").warning("read %s", value)
logging.warning("read %s", value)
raise RuntimeError("x" * 280 + value)
"""

VALIDATOR_RAISES = """
from pydantic import BaseModel, field_validator
import nexus

class Settings(BaseModel):
    by_reference: nexus.Secret
    literal: nexus.Secret
    by_variable: nexus.Secret
    plain_text: str
    dsn: str
    number: int = 0

    @field_validator("*")
    @classmethod
    def refuse(cls, value):
        shown = value.reveal() if isinstance(value, nexus.Secret) else value
        raise ValueError(f"{shown!r} is not good")

refused = nexus.Module("refused", version="1.0.0", settings=Settings)
"""

MISPLACED = """
from typing import Annotated, Literal
from pydantic import AnyUrl, BaseModel, Field, StringConstraints
import nexus

class Settings(BaseModel):
    number: int
    choice: Literal["a", "b"]
    pattern: Annotated[str, StringConstraints(pattern="^[0-9]+$")]
    url: AnyUrl
    table: dict[str, int]
    either: int | Literal["x"]
    flag: bool
    api_key: nexus.Secret | None = None
    count: nexus.Secret | None = None

misplaced = nexus.Module("misplaced", version="1.0.0", settings=Settings)
"""
