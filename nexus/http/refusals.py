"""What the host itself answers, once the guard has let the request pass, where no handler does."""

from aiohttp import web

from nexus.spec.errors import Problem
from nexus.spec.route import Handler
from nexus.spec.state import ModuleState


async def not_found(_request: web.Request) -> web.StreamResponse:
    """Says that nothing is served at the path.

    Raises:
        Problem: always, 404.
    """
    raise Problem(404, "nothing is served at this path")


def method_not_allowed(method: str, allowed: str) -> Handler:
    """Gives what answers a path that is known with another method; `Allow` is mandatory (RFC 9110, section 15.5.6)."""

    async def refuse(_request: web.Request) -> web.StreamResponse:
        raise Problem(405, f"{method} is not served at this path: use one of {allowed}", headers={"Allow": allowed})

    return refuse


def options(allowed: str) -> Handler:
    """Gives what answers `OPTIONS` where no route does (RFC 9110, section 9.3.7)."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=204, headers={"Allow": allowed})

    return answer


def unavailable(module: str, state: ModuleState, retry_after: int) -> Handler:
    """Gives what answers for a module that does not serve now; `retry_after` is in seconds."""

    async def refuse(_request: web.Request) -> web.StreamResponse:
        raise Problem(
            503,
            f"module {module!r} does not serve now: it {state.in_words}",
            headers={"Retry-After": str(retry_after)},
            module=module,
            state=state.value,
        )

    return refuse
