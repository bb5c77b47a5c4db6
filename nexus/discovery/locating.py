"""Where a candidate's source lies, found without importing it or the packages around it."""

import importlib.util
from importlib.metadata import EntryPoint
from pathlib import Path

from nexus.discovery.candidate import Candidate


def source_file(candidate: Candidate) -> Path | None:
    """Gives the Python file that the import is for; None where it is not a file or not to be found."""
    if isinstance(candidate.location, Path):
        return candidate.location
    _, *inner = python_name(candidate.location).split(".")
    for place in _places(candidate.location):
        if place.is_file():
            return None if inner else place
        target = place.joinpath(*inner)
        for file in (target / "__init__.py", target.with_name(f"{target.name}.py")):
            if file.is_file():
                return file
    return None


def code_root(candidate: Candidate) -> Path | None:
    """Gives the folder or the one file that holds the module's own code; None where it is not to be found."""
    if isinstance(candidate.location, Path):
        return own_root(candidate.location)
    return next(iter(_places(candidate.location)), None)


def own_root(file: Path) -> Path:
    """Gives what holds the code of the module that `file` declares: the folder of a package, else the one file."""
    return file.parent if file.name in ("__init__.py", "module.py") else file


def python_name(entry_point: EntryPoint) -> str:
    """Gives the dotted name of the Python module that the entry point names; empty where its value is malformed."""
    found = EntryPoint.pattern.match(entry_point.value)
    return found["module"] if found else ""


def _places(entry_point: EntryPoint) -> tuple[Path, ...]:
    """The file or the folders of the entry point's top-level package; to ask for more would import its parents."""
    try:
        spec = importlib.util.find_spec(python_name(entry_point).partition(".")[0])
        if spec is None:
            return ()
        if spec.submodule_search_locations is not None:
            return tuple(Path(location) for location in spec.submodule_search_locations)
        return (Path(spec.origin),) if spec.has_location and spec.origin and spec.origin.endswith(".py") else ()
    except Exception:  # noqa: BLE001 - finders of other packages take part; the import itself tells what is wrong
        return ()
