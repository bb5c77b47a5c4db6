"""What a module's source says of itself in plain literals, read without running a line of it."""

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MAX_SOURCE_BYTES: Final = 1024 * 1024
"""A file that declares a module is at most a few screens long; anything above this is not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Literals:
    """The literal arguments of `nexus.Module(…)` or `nexus.Manifest(…)`; None for each that is computed or absent."""

    name: str | None = None
    version: str | None = None
    description: str | None = None
    host_api: str | None = None


def read_literals(file: Path, name: str) -> Literals:
    """Gives what `file` says of the module `name`; an empty answer where it cannot be read or parsed.

    Module-level constants (`VERSION = "1.0"`) are followed, anything else that is computed is not.
    """
    tree = _parse(file)
    if tree is None:
        return Literals()
    constants = dict(_constants(tree))
    found = [_literals(call, constants) for call in _declarations(tree)]
    named = [literals for literals in found if literals.name == name]
    if named:
        return named[0]
    return found[0] if len(found) == 1 else Literals()


def _parse(file: Path) -> ast.Module | None:
    try:
        if file.stat().st_size > _MAX_SOURCE_BYTES:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the import itself warns of what the source deserves
            return ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):  # the import tells which, with the line
        return None


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(value))):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str(value))):
                yield name, value


def _declarations(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="Module" | "Manifest")):
                yield node
            case ast.Call(func=ast.Attribute(value=ast.Name(id="nexus"), attr="Module" | "Manifest")):
                yield node


def _literals(call: ast.Call, constants: dict[str, str]) -> Literals:
    arguments = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    if call.args:
        arguments.setdefault("name", call.args[0])

    def text(argument: str) -> str | None:
        match arguments.get(argument):
            case ast.Constant(value=str(value)):
                return value
            case ast.Name(id=name):
                return constants.get(name)
        return None

    return Literals(
        name=text("name"), version=text("version"), description=text("description"), host_api=text("host_api")
    )
