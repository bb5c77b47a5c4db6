"""Finds modules in installed distributions, in folders that the configuration names and among the shipped ones.

Nothing is imported here: what is told of a module comes from metadata and from literals in its source.
"""

import dataclasses
import importlib.metadata
import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from typing import Final, Protocol

from nexus.config.settings import ModuleEntry
from nexus.discovery.candidate import Candidate, Kind
from nexus.discovery.folder import describe_file, module_file, module_files
from nexus.spec.names import MODULE_NAME

GROUP: Final = "nexus.modules"
"""The entry-point group in which a distribution names its modules."""

_PACKAGE: Final = Path(__file__).resolve().parents[1]

logger = logging.getLogger("nexus.discovery")


class Distributions(Protocol):
    """What knows the installed distributions: the module `importlib.metadata`, or a stand-in with its functions."""

    def distributions(self) -> Iterable[Distribution]:
        """Gives every distribution, in the order of the import path."""


def shipped_directory() -> Path:
    """Gives the folder of the modules that come with the host; it need not exist.

    A wheel carries them inside the package; a clone and an editable install have them beside it.
    """
    inside = _PACKAGE / "_modules"
    beside = _PACKAGE.parent / "modules"
    # beside an installed package lies site-packages, where a folder "modules" would be a stranger's
    is_clone = (_PACKAGE.parent / "pyproject.toml").is_file()
    return beside if is_clone and not inside.is_dir() else inside


def find(
    entries: Mapping[str, ModuleEntry],
    *,
    directory: Path,
    shipped: Path,
    distributions: Distributions = importlib.metadata,
) -> tuple[Candidate, ...]:
    """Gives every module there is, sorted by name; one that two places give names both in `clash`.

    Args:
        entries: the `[modules.<name>]` tables; `path` in one settles where that module comes from.
        directory: what a relative `path` is relative to, the configuration file's folder.
        shipped: the folder of shipped modules.
        distributions: what knows the installed distributions.
    """
    found: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in (*_installed(distributions), *_shipped(shipped)):
        found[candidate.name].append(candidate)
    for name, entry in entries.items():
        if entry.path is not None:  # what the table names is meant, or nothing
            found[name] = list(_in_folder(name, entry.path, directory))
    return tuple(_settle(candidates) for _, candidates in sorted(found.items()) if candidates)


def _settle(candidates: list[Candidate]) -> Candidate:
    first, *others = candidates
    if not others:
        return first
    origins = sorted(_origin(candidate) for candidate in candidates)
    return dataclasses.replace(first, source=" and ".join(origins), clash=tuple(origins))


def _origin(candidate: Candidate) -> str:
    if isinstance(candidate.location, EntryPoint):
        return f"{candidate.source} ({candidate.location.value})"
    return candidate.source


def _in_folder(name: str, path: str, directory: Path) -> Iterator[Candidate]:
    shown = Path(path)
    file = module_file(directory / shown.expanduser(), name)
    if file is not None:
        source = f"folder {shown / file.relative_to(directory / shown.expanduser())}"
        yield describe_file(name, file, kind=Kind.FOLDER, source=source)


def _shipped(folder: Path) -> Iterator[Candidate]:
    for name, file in module_files(folder):
        yield describe_file(name, file, kind=Kind.SHIPPED, source="shipped")


def _installed(distributions: Distributions) -> Iterator[Candidate]:
    seen: set[str] = set()
    for distribution in distributions.distributions():
        try:
            # Most distributions have none, so the text is looked at before it is parsed.
            if GROUP not in (distribution.read_text("entry_points.txt") or ""):
                continue
            entry_points = [point for point in distribution.entry_points if point.group == GROUP]
            if not entry_points or (key := _normalized(distribution.name)) in seen:
                continue  # the same distribution further down the import path is shadowed
            seen.add(key)
            candidates = [_describe(point, distribution) for point in dict.fromkeys(entry_points)]
        except Exception:  # a damaged installation of one distribution hides only its own modules
            logger.warning(
                "a distribution's metadata cannot be read: its modules are not found; install it anew",
                exc_info=True,
                extra={"event": "discovery.distribution.unreadable", "at": str(distribution.locate_file(""))},
            )
            continue
        for candidate in candidates:
            if MODULE_NAME.fullmatch(candidate.name):
                yield candidate
            else:
                logger.warning(
                    "%s names a module %r, which no table can have: use a-z, 0-9, '-' and '_', a letter first",
                    candidate.source,
                    candidate.name,
                    extra={"event": "discovery.name.unusable"},
                )


def _describe(entry_point: EntryPoint, distribution: Distribution) -> Candidate:
    return Candidate(
        name=entry_point.name,
        kind=Kind.DISTRIBUTION,
        source=f"distribution {distribution.name} {distribution.version}",
        location=entry_point,
        version=distribution.version,
        description=_field(distribution, "Summary") or "",
        requirements=tuple(distribution.requires or ()),
        requires_python=_field(distribution, "Requires-Python"),
    )


def _normalized(name: str) -> str:
    """Gives the one spelling of a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _field(distribution: Distribution, name: str) -> str | None:
    """Gives a core metadata field; `metadata[name]` for one that is absent is about to raise."""
    values = distribution.metadata.get_all(name)
    return str(values[0]) if values else None
