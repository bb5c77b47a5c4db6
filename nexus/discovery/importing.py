"""Imports one module, guarded: a failed import is told as a reason and leaves nothing of the module behind."""

import contextlib
import importlib
import importlib.util
import logging
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Final

from nexus.discovery.candidate import Candidate
from nexus.discovery.faults import ModuleFault, run_guarded
from nexus.discovery.importnames import ROOT, import_name, is_within
from nexus.discovery.locating import code_root, python_name
from nexus.spec.state import Reason

_SLOW_S: Final = 5.0
"""Longer than any sound import takes on a cold disk, short enough for someone who watches the log."""

logger = logging.getLogger("nexus.discovery")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A module's code, run.

    Attributes:
        value: what an entry point names; the namespace itself where it names no attribute.
        namespace: the Python module that was imported.
        package: the Python name below which the module's code lives.
        root: the file or folder of its code, where it is in one.
        seconds: what the import took.
    """

    value: object
    namespace: ModuleType
    package: str
    root: Path | None
    seconds: float


def import_candidate(candidate: Candidate) -> Imported:
    """Imports the candidate: an entry point by its name, a file under `nexus_modules.<name>`.

    A file is always run anew, an entry point's package once in a process, as Python does it.

    Raises:
        ModuleFault: the code raised, exited, does not parse or lacks a dependency.
    """
    root = code_root(candidate)
    location, package = candidate.location, _package(candidate)
    started = time.perf_counter()
    with _watched(candidate.name):
        value, namespace = run_guarded(
            lambda: _import_file(location, package) if isinstance(location, Path) else _import_entry_point(location),
            module=candidate.name,
            doing="its import",
            code="import_error",
            root=root,
        )
    seconds = time.perf_counter() - started
    return Imported(value=value, namespace=namespace, package=package, root=root, seconds=seconds)


@contextlib.contextmanager
def _watched(name: str) -> Iterator[None]:
    """An import that hangs cannot be ended from outside; that it does, and which one, must be told meanwhile."""

    def tell() -> None:
        logger.warning(
            "module %s: its import still runs after %s seconds and holds up the start of the host",
            name,
            _SLOW_S,
            extra={"event": "discovery.import.slow", "module_name": name},
        )

    timer = threading.Timer(_SLOW_S, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def undone_on_failure(candidate: Candidate) -> Iterator[None]:
    """Takes the candidate's code out of `sys.modules` where the block raises, and puts back what it replaced.

    Libraries that the code imported stay: some of them can be loaded only once in a process.
    """
    package = _package(candidate)
    before = {name: module for name, module in sys.modules.items() if is_within(name, package)}
    try:
        yield
    except BaseException:
        _forget(package)
        for name, module in before.items():
            _place(name, module)
        raise


def _package(candidate: Candidate) -> str:
    if isinstance(candidate.location, Path):
        return import_name(candidate.name)
    return python_name(candidate.location).partition(".")[0]


def _place(name: str, module: ModuleType) -> None:
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], child, module)


def _forget(package: str) -> None:
    for name in [name for name in sys.modules if is_within(name, package)]:
        module = sys.modules.pop(name)
        parent, _, child = name.rpartition(".")
        holder = sys.modules.get(parent)
        if holder is not None and vars(holder).get(child) is module:
            delattr(holder, child)


def _import_entry_point(entry_point: EntryPoint) -> tuple[object, ModuleType]:
    if not python_name(entry_point):
        raise ModuleFault(
            Reason(
                "invalid_entry_point",
                f"its entry point {entry_point.value!r} is malformed: write 'package.module:attribute'",
            )
        )
    namespace = importlib.import_module(entry_point.module)
    if not entry_point.attr:
        return namespace, namespace
    try:
        return attrgetter(entry_point.attr)(namespace), namespace
    except AttributeError:
        raise ModuleFault(
            Reason(
                "invalid_entry_point",
                f"its entry point names '{entry_point.attr}', which {entry_point.module} does not have: "
                "name the nexus.Module",
            )
        ) from None


def _import_file(file: Path, name: str) -> tuple[object, ModuleType]:
    _forget(name)
    sys.path_importer_cache.pop(str(file.parent), None)  # files written a moment ago must be seen
    if file.name == "module.py":
        _execute(name, file.parent / "__init__.py", file.parent)
        namespace = importlib.import_module(f"{name}.module")
    else:
        namespace = _execute(name, file, file.parent if file.name == "__init__.py" else None)
    return namespace, namespace


def _execute(name: str, file: Path, folder: Path | None) -> ModuleType:
    """Runs `file` as `name`; with `folder` it is a package whose files lie there, and its own file may be absent."""
    locations = None if folder is None else [str(folder)]
    if file.is_file():
        spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=locations)
    else:
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = locations
    if spec is None:
        raise ImportError(f"{file} cannot be imported as Python source")
    module = importlib.util.module_from_spec(spec)
    _make_root_package()
    _place(name, module)
    if spec.loader is not None:
        spec.loader.exec_module(module)
    return module


def _make_root_package() -> None:
    if ROOT not in sys.modules:
        sys.modules[ROOT] = importlib.util.module_from_spec(ModuleSpec(ROOT, None, is_package=True))
