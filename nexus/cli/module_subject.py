"""What `nexus module check PATH` looks at: the module that a file, a folder or a project holds."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Final

from nexus.cli.failure import ExitCode, Failed
from nexus.discovery.candidate import Candidate, Kind
from nexus.discovery.finder import GROUP
from nexus.discovery.folder import describe_file
from nexus.discovery.literals import read_literals
from nexus.discovery.locating import own_root

_ENTRY_FILES: Final = ("module.py", "__init__.py")
_NOT_CODE: Final = frozenset({"tests", "test", "__pycache__", ".venv", "build", "dist"})
_MAX_FILES: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One module to check.

    Attributes:
        candidate: as discovery would find it.
        files: its Python files, tests left out.
        root: shown paths are relative to the folder above it.
        import_path: folders that must be on the import path to import it.
    """

    candidate: Candidate
    files: tuple[Path, ...]
    root: Path
    import_path: tuple[Path, ...] = ()


def find_subjects(path: Path) -> tuple[Subject, ...]:
    """Gives every module at `path`.

    Raises:
        Failed: there is none.
    """
    path = path.resolve()
    if path.is_dir() and (entry_points := _entry_points(path)):
        return tuple(_in_project(path, name, value) for name, value in sorted(entry_points.items()))
    file = path if path.is_file() else next((path / name for name in _ENTRY_FILES if (path / name).is_file()), None)
    if file is None or file.suffix != ".py":
        raise Failed(
            f"there is no module at {path}: name its file, its folder with module.py or __init__.py, or a project whose"
            f" pyproject.toml has the entry-point group {GROUP!r}",
            ExitCode.NOT_FOUND,
        )
    root = own_root(file)
    # The name in the source counts: a folder's name cannot have the hyphens that a module's may have.
    plain = root.stem if root.is_file() else root.name
    declared = read_literals(file, plain).name
    name = declared if declared is not None and declared.replace("-", "_") == plain else plain
    candidate = describe_file(name, file, kind=Kind.FOLDER, source=str(path))
    return (Subject(candidate=candidate, files=tuple(_python_files(root)), root=root),)


def _entry_points(folder: Path) -> dict[str, str]:
    try:
        data: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Failed(f"{folder / 'pyproject.toml'} cannot be read ({error}): correct it") from None
    found = data.get("project", {}).get("entry-points", {}).get(GROUP, {})
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _in_project(folder: Path, name: str, value: str) -> Subject:
    project: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    import_path = (folder / "src", folder) if (folder / "src").is_dir() else (folder,)
    top = value.partition(":")[0].partition(".")[0]
    places = [base / place for base in import_path for place in (top, f"{top}.py") if (base / place).exists()]
    if not places:
        raise Failed(
            f"the entry point {name!r} names {value!r}, which is not in {folder}: write the package's name before the"
            " colon",
            ExitCode.NOT_FOUND,
        )
    candidate = Candidate(
        name=name,
        kind=Kind.DISTRIBUTION,
        source=str(folder),
        location=EntryPoint(name, value, GROUP),
        version=project.get("version"),
        description=project.get("description", ""),
        requirements=tuple(project.get("dependencies", ())),
        requires_python=project.get("requires-python"),
    )
    files = tuple(_python_files(places[0]))
    return Subject(candidate=candidate, files=files, root=places[0], import_path=import_path)


def _python_files(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    found = sorted(root.rglob("*.py"))[:_MAX_FILES]
    yield from (file for file in found if not _NOT_CODE.intersection(file.relative_to(root).parts[:-1]))
