"""The layout of a folder of modules, and what a module there says of itself without being imported."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nexus.discovery.candidate import Candidate, Kind
from nexus.discovery.literals import read_literals
from nexus.discovery.locating import own_root
from nexus.spec.names import MODULE_NAME

_MAX_PROJECT_BYTES: Final = 1024 * 1024
"""No project table is this long; a file above it is not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Project:
    """The parts of `[project]` in a pyproject.toml that tell something of a module."""

    version: str | None = None
    description: str | None = None
    dependencies: tuple[str, ...] = ()
    requires_python: str | None = None


def module_file(folder: Path, name: str) -> Path | None:
    """Gives the file in `folder` that declares the module `name`; None where there is none.

    `<name>.py`, `<name>/module.py`, `<name>/__init__.py`, in this order; a hyphen may be written `_` there.
    `module.py` goes first because the package's own `__init__.py` is run before it anyway.
    """
    for stem in dict.fromkeys((name, name.replace("-", "_"))):
        for file in (folder / f"{stem}.py", folder / stem / "module.py", folder / stem / "__init__.py"):
            if file.is_file():
                return file
    return None


def module_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Gives the name and the file of every module in `folder`, sorted by name; nothing where it is no folder."""
    if not folder.is_dir():
        return
    names = {entry.stem if entry.suffix == ".py" else entry.name for entry in folder.iterdir()}
    for name in sorted(names):
        file = module_file(folder, name) if MODULE_NAME.fullmatch(name) else None
        if file is not None:
            yield name, file


def describe_file(name: str, file: Path, *, kind: Kind, source: str) -> Candidate:
    """Gives the candidate that `file` is, from its pyproject.toml (packages only) and its literals."""
    root = own_root(file)
    # a pyproject.toml beside a single file belongs to whatever project that folder is
    project = _read_project(root / "pyproject.toml") if root.is_dir() else _Project()
    literals = read_literals(file, name)
    readme = root / "README.md"
    return Candidate(
        name=name,
        kind=kind,
        source=source,
        location=file,
        version=project.version or literals.version,
        description=project.description or literals.description or "",
        requirements=project.dependencies,
        requires_python=project.requires_python,
        host_api=literals.host_api,
        readme=readme if root.is_dir() and readme.is_file() else None,
    )


def _read_project(file: Path) -> _Project:
    try:
        if file.stat().st_size > _MAX_PROJECT_BYTES:
            return _Project()
        project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
    except (OSError, ValueError, RecursionError):  # it says nothing then; the module may load all the same
        return _Project()
    if not isinstance(project, dict):
        return _Project()
    dependencies = project.get("dependencies")
    return _Project(
        version=_text(project.get("version")),
        description=_text(project.get("description")),
        dependencies=tuple(map(str, dependencies)) if isinstance(dependencies, list) else (),
        requires_python=_text(project.get("requires-python")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
