"""What can be told of a module's source without running it: imports, docstrings, and calls that hold the loop."""

import ast
import importlib.metadata
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from nexus.cli.module_subject import Subject
from nexus.config.origin import Origin
from nexus.config.problem import Problem

_PUBLIC: Final = ("nexus", "nexus.testing")
_BLOCKING: Final = {
    **dict.fromkeys(("requests", "urllib.request", "http.client", "smtplib", "ftplib"), "use 'context.http'"),
    **dict.fromkeys(("psycopg2", "pymysql", "sqlite3"), "call it through 'asyncio.to_thread', or use an async driver"),
}
_BLOCKING_CALLS: Final = {
    "time.sleep": "write 'await asyncio.sleep(…)'",
    "subprocess.run": "write 'await asyncio.create_subprocess_exec(…)'",
    "subprocess.check_output": "write 'await asyncio.create_subprocess_exec(…)'",
    "os.system": "write 'await asyncio.create_subprocess_exec(…)'",
    "asyncio.run": "the host's loop runs already: await the coroutine",
    "asyncio.create_task": "use 'context.tasks.start', so that the host ends it with the module",
    "asyncio.ensure_future": "use 'context.tasks.start', so that the host ends it with the module",
}
_ROUTE: Final = re.compile(r"get|post|put|patch|delete|route|check|job|startup|shutdown|lifespan")
_MAX_SOURCE_BYTES: Final = 1_048_576

FunctionDef = ast.FunctionDef | ast.AsyncFunctionDef


def lint(subject: Subject) -> Iterator[Problem]:
    """Gives what is to be corrected in the module's files, in their order."""
    provided = _provided(subject)
    own = {import_root.name.removesuffix(".py") for import_root in (subject.root,)}
    for file in subject.files:
        shown = str(file.relative_to(subject.root.parent))
        tree = _parsed(file)
        if tree is None:
            continue  # the import tells what is wrong, with its line
        if ast.get_docstring(tree) is None and (file.stat().st_size > 0):
            yield _warning(shown, 1, "the file has no docstring: say in one sentence what it is for")
        for line, name in _imports(tree):
            yield from _import_problems(shown, line, name, own, provided)
        yield from _calls(shown, tree)
        yield from _undocumented(shown, tree)


def _parsed(file: Path) -> ast.Module | None:
    try:
        return ast.parse(file.read_bytes()) if file.stat().st_size <= _MAX_SOURCE_BYTES else None
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, name.name) for name in names)
            case ast.ImportFrom(module=str(module), level=0, names=names):
                # `from nexus import testing` is an import of nexus.testing, `from nexus import Secret` is not.
                inner = {"testing"} if module == "nexus" else set[str]()
                yield node.lineno, module
                yield from ((node.lineno, f"{module}.{name.name}") for name in names if name.name in inner)


def _import_problems(shown: str, line: int, name: str, own: set[str], provided: set[str] | None) -> Iterator[Problem]:
    top = name.partition(".")[0]
    if top == "nexus":
        if name not in _PUBLIC and not name.startswith("nexus.testing"):
            yield _error(shown, line, f"it imports {name}: use the names of 'nexus' alone, the rest may change any day")
        return
    if top in ("modules", "nexus_modules") and name.split(".")[1:2] != [next(iter(own))]:
        yield _error(shown, line, f"it imports {name}: modules do not import one another, share code in a distribution")
        return
    for blocking, remedy in _BLOCKING.items():
        if name == blocking or name.startswith(f"{blocking}."):
            yield _warning(shown, line, f"{blocking} holds the event loop while it waits: {remedy}")
    is_known = top in sys.stdlib_module_names or top in own or top in ("modules", "nexus_modules")
    if not is_known and provided is not None and top not in provided:
        message = f"{top} is not among the module's declared dependencies: add it to 'dependencies' in pyproject.toml"
        yield _warning(shown, line, message)


def _provided(subject: Subject) -> set[str] | None:
    """The top-level packages that the host's and the module's declared dependencies give; None where unknown."""
    wanted = {"nexus-host"}
    for text in (*(importlib.metadata.requires("nexus-host") or ()), *subject.candidate.requirements):
        try:
            wanted.add(canonicalize_name(Requirement(text).name))
        except InvalidRequirement:
            continue
    by_package = importlib.metadata.packages_distributions()
    return {
        package
        for package, distributions in by_package.items()
        if wanted.intersection(canonicalize_name(each) for each in distributions)
    }


def _calls(shown: str, tree: ast.Module) -> Iterator[Problem]:
    for function in ast.walk(tree):
        if not isinstance(function, ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and (name := _dotted(node.func)) in _BLOCKING_CALLS:
                yield _warning(shown, node.lineno, f"{name} in an async function: {_BLOCKING_CALLS[name]}")


def _undocumented(shown: str, tree: ast.Module) -> Iterator[Problem]:
    for node in ast.walk(tree):
        if not isinstance(node, FunctionDef) or ast.get_docstring(node) is not None:
            continue
        kinds = [kind for decorator in node.decorator_list if (kind := _declaring(decorator))]
        if kinds and kinds[0] not in ("startup", "shutdown", "lifespan"):
            message = f"{node.name} has no docstring: its first line is what others read of this {_noun(kinds[0])}"
            yield _warning(shown, node.lineno, message)


def _declaring(decorator: ast.expr) -> str | None:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    is_method = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)
    return target.attr if is_method and _ROUTE.fullmatch(target.attr) else None  # type: ignore[attr-defined]  # just looked


def _noun(kind: str) -> str:
    return kind if kind in ("check", "job") else "route"


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def _error(file: str, line: int, message: str) -> Problem:
    return Problem(Origin("file", file, line), "", message)


def _warning(file: str, line: int, message: str) -> Problem:
    return Problem(Origin("file", file, line), "", message, "warning")
