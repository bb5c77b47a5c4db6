"""A route as a module declares it."""

import inspect
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from nexus.spec.access import PROTECTED, Access
from nexus.spec.errors import InvalidDeclaration

if TYPE_CHECKING:
    from aiohttp import web

Handler = Callable[["web.Request"], Awaitable["web.StreamResponse"]]
"""What answers a request: an async function of one aiohttp request."""

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods a route can be declared for (RFC 9110, section 9; PATCH: RFC 5789)."""

_TEMPLATE: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([^{}]+(?:\{[^{}]*\}[^{}]*)*))?\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method and path of a module.

    Attributes:
        method: one of `METHODS`; a `GET` route answers `HEAD` too.
        path: below the module's prefix, with a leading slash; `{name}` takes one segment,
            `{name:regex}` what the expression matches (`{rest:.*}` the rest of the path).
        handler: async function of the request.
        access: `PROTECTED` unless declared otherwise.
        summary: the first line of the handler's docstring.
    """

    method: str
    path: str
    handler: Handler
    access: Access = PROTECTED
    summary: str = field(default="")

    def __post_init__(self) -> None:
        """Refuses what could not be served, at the line that declares it.

        Raises:
            InvalidDeclaration: unknown method, malformed path, no access, or a handler that is not async.
        """
        if self.method not in METHODS:
            raise InvalidDeclaration(f"route {self.path!r} has method {self.method!r}: use one of {sorted(METHODS)}")
        if not self.path.startswith("/"):
            raise InvalidDeclaration(
                f"route path {self.path!r} does not start with '/': write it below the module's prefix"
            )
        compile_template(self.path)
        if not isinstance(self.access, Access):
            raise InvalidDeclaration(
                f"route {self.path!r} has access {self.access!r}: use nexus.PUBLIC or nexus.PROTECTED"
            )
        call = self.handler if inspect.isroutine(self.handler) else type(self.handler).__call__
        if not inspect.iscoroutinefunction(inspect.unwrap(call)):
            raise InvalidDeclaration(f"the handler of {self.method} {self.path} is not an 'async def' function")
        if not self.summary:
            object.__setattr__(self, "summary", (inspect.getdoc(self.handler) or "").partition("\n")[0])


def compile_template(path: str) -> re.Pattern[str] | None:
    """Gives the expression that a templated path matches, over the whole raw path; None for a static path.

    Raises:
        InvalidDeclaration: braces do not pair, a name stands twice, or an expression does not compile.
    """
    pattern, at, names = "", 0, set[str]()
    for found in _TEMPLATE.finditer(path):
        name, expression = found[1], found[2] or "[^/]+"
        if name in names:
            raise InvalidDeclaration(f"route path {path!r} uses the name {name!r} twice")
        names.add(name)
        pattern += _literal(path, path[at : found.start()]) + f"(?P<{name}>{expression})"
        at = found.end()
    pattern += _literal(path, path[at:])
    if not names:
        return None
    try:
        return re.compile(pattern)
    except re.error as error:
        raise InvalidDeclaration(f"route path {path!r} holds an expression that does not compile: {error}") from error


def _literal(path: str, part: str) -> str:
    if "{" in part or "}" in part:
        raise InvalidDeclaration(
            f"route path {path!r} has a brace without its partner: write '{{name}}' or '{{name:regex}}'"
        )
    if "?" in part or "#" in part:
        raise InvalidDeclaration(f"route path {path!r} has a query or fragment: read what follows '?' in the handler")
    return re.escape(part)
