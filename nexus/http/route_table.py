"""Finding a route by method and raw path in time that does not grow with the number of routes.

Static paths are one dictionary. A template whose parameters take one segment each is found by the number of segments
and by the literal ones among them; one with an expression of its own, by its leading literal segments. What is left
in such a group is tried in the order of declaration. Nothing here decodes or normalises a path before it has matched.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, unquote

from nexus.http.bound_route import NO_PARAMETERS, BoundRoute
from nexus.spec.route import compile_template

Found = tuple[BoundRoute, dict[str, str]]
"""A route and the decoded values of its path parameters."""

Segments = tuple[str, ...]
Methods = dict[str, BoundRoute]

_NOT_IN_URLS: Final = re.compile(r"[^\x21-\x7e]+")
_OWN_EXPRESSION: Final = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*:")


class _Template:
    """Every method of one template, and its place in the order of declaration."""

    __slots__ = ("match", "methods", "order")

    def __init__(self, order: int, pattern: re.Pattern[str]) -> None:
        self.order = order
        self.match = pattern.fullmatch
        self.methods: Methods = {}


class RouteTable:
    """The routes of the host or of one module's instance, as they stood when it was built.

    A static path wins over a template, an earlier template over a later one; a route that knows the path but not the
    method lets the next one try.

    Args:
        routes: pairs of a path, below whatever prefix the caller has taken off, and the route that serves it.
    """

    def __init__(self, routes: Iterable[tuple[str, BoundRoute]]) -> None:
        self._static: dict[str, Methods] = {}
        self._shapes: dict[int, dict[tuple[int, ...], dict[Segments, list[_Template]]]] = {}
        self._open: dict[int, dict[Segments, list[_Template]]] = {}
        templates: dict[str, _Template] = {}
        for path, route in routes:
            raw = as_sent(path)
            methods = self._methods_of(raw, templates)
            methods[route.method] = route
        for methods in self._all_methods(templates):
            if "GET" in methods:
                methods.setdefault("HEAD", methods["GET"])

    def find(self, method: str, path: str) -> Found | None:
        """Gives the route that answers `method` on the raw `path`, None where there is none."""
        methods = self._static.get(path)
        if methods is not None and (route := methods.get(method)) is not None:
            return route, NO_PARAMETERS
        for template in self._templates_of(path):
            route = template.methods.get(method)
            if route is not None and (match := template.match(path)) is not None:
                return route, {name: _decoded(value) for name, value in match.groupdict("").items()}
        return None

    def methods_at(self, path: str) -> Methods:
        """Gives each method that the raw `path` answers, with the route that would; empty for an unknown path."""
        methods: Methods = dict(self._static.get(path, {}))
        for template in self._templates_of(path):
            if template.match(path) is not None:
                for method, route in template.methods.items():
                    methods.setdefault(method, route)
        return methods

    def _methods_of(self, path: str, templates: dict[str, _Template]) -> Methods:
        pattern = compile_template(path)
        if pattern is None:
            return self._static.setdefault(path, {})
        if path not in templates:
            templates[path] = _Template(len(templates), pattern)
            self._file(path, templates[path])
        return templates[path].methods

    def _file(self, path: str, template: _Template) -> None:
        if _OWN_EXPRESSION.search(path):
            # The expression may match slashes, so only whole segments before the first brace are certain.
            lead = tuple(path.partition("{")[0].split("/")[:-1])
            self._open.setdefault(len(lead), {}).setdefault(lead, []).append(template)
            return
        segments = path.split("/")
        shape = tuple(at for at, segment in enumerate(segments) if "{" not in segment)
        literals = tuple(segments[at] for at in shape)
        self._shapes.setdefault(len(segments), {}).setdefault(shape, {}).setdefault(literals, []).append(template)

    def _templates_of(self, path: str) -> Iterable[_Template]:
        if not self._shapes and not self._open:
            return ()
        segments = path.split("/")
        groups = [
            group
            for shape, by_literals in self._shapes.get(len(segments), {}).items()
            if (group := by_literals.get(tuple([segments[at] for at in shape]))) is not None
        ]
        for length, by_lead in self._open.items():
            if (group := by_lead.get(tuple(segments[:length]))) is not None:
                groups.append(group)
        if len(groups) == 1:
            return groups[0]
        return sorted((template for group in groups for template in group), key=lambda template: template.order)

    def _all_methods(self, templates: dict[str, _Template]) -> Iterator[Methods]:
        yield from self._static.values()
        for template in templates.values():
            yield template.methods


def as_sent(path: str) -> str:
    """Gives a declared path as it stands in a request: what URLs cannot hold is percent-encoded UTF-8 (RFC 3987)."""
    return _NOT_IN_URLS.sub(lambda found: quote(found[0]), path)


def _decoded(value: str) -> str:
    return unquote(value) if "%" in value else value
