"""Values that stand elsewhere: `{ env = "NAME" }`, `{ file = "/run/secrets/x" }`, and Switchboard's `"__env__"`."""

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Final

from nexus.config.origin import Path, dotted
from nexus.config.problem import Problem
from nexus.config.secret_file import Finding, read_secret_file
from nexus.config.tree import EnvText, Tree

MODULE_VARIABLE: Final = "__env__"
_KINDS: Final = ("env", "file")


def resolve(tree: Tree, environ: Mapping[str, str], directory: FilePath) -> Iterator[Problem]:
    """Puts the values in place of the references, giving what is wrong with them.

    An unset or empty source is an error that names it: a secret that is silently absent is found out at night.
    A relative file is meant from `directory`, that of the configuration.
    """
    for path, reference in list(_references((), tree.data)):
        if isinstance(reference, str):
            kind, name = "env", _module_variable(path)
            if name is None:
                message = 'stands for a variable in a module\'s config and options alone: use { env = "NAME" }'
                yield Problem(tree.origin(path), dotted(path), message)
                continue
        else:
            ((kind, name),) = reference.items()
        origin = tree.origin(path)
        value, problem = _read(kind, name, environ, directory)
        if problem:
            yield Problem(origin, dotted(path), *problem)
        # What could not be read stays as an empty text out of a source: it is reported here, once, and not again.
        tree.put(path, EnvText(value or ""), origin, f"{kind}:{name}")


def _read(kind: str, name: str, environ: Mapping[str, str], directory: FilePath) -> tuple[str | None, Finding | None]:
    if not name:
        example = '{ env = "NAME" }' if kind == "env" else '{ file = "/run/secrets/name" }'
        return None, (f"is a reference to nothing: write for instance {example}", "error")
    return _variable(name, environ) if kind == "env" else read_secret_file(directory / name)


def _variable(name: str, environ: Mapping[str, str]) -> tuple[str | None, Finding | None]:
    value = environ.get(name)
    if value is None:
        return None, (f"the variable {name} is not set: set it, or take the reference out", "error")
    if not value:
        return None, (f"the variable {name} is empty: give it a value, or take the reference out", "error")
    return value, None


def _references(path: Path, value: object) -> Iterator[tuple[Path, dict[str, str] | str]]:
    if _is_reference(path, value):
        yield path, value  # type: ignore[misc]  # just looked
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _references((*path, key), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _references((*path, index), inner)


def _is_reference(path: Path, value: object) -> bool:
    if value == MODULE_VARIABLE:
        return True
    if not isinstance(value, dict) or len(value) != 1 or _is_fixed_table(path):
        return False
    return all(key in _KINDS and isinstance(name, str) for key, name in value.items())


def _is_fixed_table(path: Path) -> bool:
    """True for tables that no text can stand in for, so that a setting of theirs may be called `env` or `file`."""
    if path[:1] != ("modules",):
        return len(path) <= 1
    return (
        len(path) <= 2
        or path[2:] == ("config",)
        or (path[2] == "jobs" and (len(path) == 4 or path[4:] == ("options",)))
    )


def _module_variable(path: Path) -> str | None:
    """The variable `<MODULE>_<KEY>` in upper case, the key being the last one on the way; None outside of modules."""
    is_config = len(path) > 3 and path[2] == "config"
    is_option = len(path) > 5 and path[2] == "jobs" and path[4] == "options"
    if path[0] != "modules" or not (is_config or is_option):
        return None
    keys = [str(part) for part in path if isinstance(part, str)]
    return f"{keys[1]}_{keys[-1]}".upper().replace("-", "_")
