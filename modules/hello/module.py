"""The tutorial's module: a setting, a secret, a public and a protected route, and a check."""

import hmac

from aiohttp import web
from pydantic import BaseModel, Field

import nexus


class Settings(BaseModel):
    """What `[modules.hello.config]` may say."""

    greeting: str = Field("hello", min_length=1, description="The word that comes before the name.")
    api_key: nexus.Secret | None = Field(None, description="Signs greetings; without it they go unsigned.")


hello = nexus.Module("hello", version="1.0.0", settings=Settings, description="Greets; the tutorial's module.")


@hello.get("/hi/{name}", access=nexus.PUBLIC)
async def hi(request: web.Request) -> web.Response:
    """Greet someone."""
    context = nexus.context(request)
    return web.json_response({"message": f"{context.settings.greeting} {request.match_info['name']}"})


@hello.get("/signed/{name}", permissions={"read:signed"})
async def signed(request: web.Request) -> web.Response:
    """Greet someone under the module's signature."""
    context = nexus.context(request)
    if context.settings.api_key is None:
        raise nexus.Problem(409, "set 'api_key' in [modules.hello.config] to have greetings signed")
    message = f"{context.settings.greeting} {request.match_info['name']}"
    signature = hmac.digest(context.settings.api_key.reveal().encode(), message.encode(), "sha256").hex()
    return web.json_response({"message": message, "signature": signature, "for": context.caller.subject})


@hello.check("greeting", critical=False)
async def greeting(context: nexus.ModuleContext[Settings]) -> None:
    """Warn of a greeting that no one would want to hear."""
    if context.settings.greeting.isupper():
        raise RuntimeError("the greeting shouts: use small letters")
