"""Settings out of environment variables: `NEXUS__A__B`, and `NEXUS__A__B_FILE` whose value is in that file."""

from collections.abc import Iterator, Mapping
from typing import Final

from nexus.config.origin import Origin, Path, dotted, plain_key
from nexus.config.problem import Problem
from nexus.config.secret_file import read_secret_file
from nexus.config.tree import EnvText, Tree

PREFIX: Final = "NEXUS__"
_FILE: Final = "_FILE"


def overlay(tree: Tree, environ: Mapping[str, str]) -> Iterator[Problem]:
    """Lays the environment over the tree, giving what is wrong with it.

    A segment names a key without regard to case, `-` and `_`, so `NEXUS__GLOBAL__AUTH__JWKS_URI` reaches `jwksUri`; a
    segment of digits names an element of an array that is already there.
    """
    plain = {name for name in environ if name.startswith(PREFIX) and not name.endswith(_FILE)}
    for name in sorted(environ):
        if not name.startswith(PREFIX):
            continue
        origin = Origin("env", name)
        is_file = name.endswith(_FILE)
        segments = name.removeprefix(PREFIX).removesuffix(_FILE if is_file else "").split("__")
        if not all(segments):
            yield Problem(origin, "", "names no setting: write NEXUS__<TABLE>__<KEY>")
            continue
        path = _path(tree, segments)
        if is_file and name.removesuffix(_FILE) in plain:
            message = f"{name.removesuffix(_FILE)} is set too: keep one of the two variables"
            yield Problem(origin, dotted(path), message)
            continue
        source = None
        value = environ[name]
        if is_file and not value:
            yield Problem(origin, dotted(path), "names no file: write the path of the file that holds the value")
            continue
        if is_file:
            source = f"file:{value}"
            text, problem = read_secret_file(value)
            if problem:
                yield Problem(origin, dotted(path), *problem)
            if text is None:
                continue
            value = text
        if not tree.put(path, EnvText(value), origin, source):
            message = "lies inside a value that is no table: check the variable's name"
            if isinstance(path[-1], int):
                message = "is beyond the end of the array: count from 0, or give the whole array"
            yield Problem(origin, dotted(path), message)


def _path(tree: Tree, segments: list[str]) -> Path:
    path: Path = ()
    for segment in segments:
        here = tree.get(path, tree.data) if path else tree.data
        if isinstance(here, list) and segment.isdigit():
            path = (*path, int(segment))
            continue
        known = here if isinstance(here, dict) else {}
        alike = [key for key in known if plain_key(key) == plain_key(segment)]
        nearest = [key for key in alike if key.lower().replace("-", "_") == segment.lower().replace("-", "_")]
        path = (*path, next(iter([*nearest, *alike]), segment.lower()))
    return path
