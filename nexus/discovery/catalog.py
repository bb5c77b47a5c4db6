"""The catalog: a frozen record of every module there is, with the reason for each that cannot start."""

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from types import MappingProxyType

from nexus.config.settings import HostSettings, ModuleEntry
from nexus.discovery.candidate import Candidate
from nexus.discovery.faults import ModuleFault
from nexus.discovery.finder import find, shipped_directory
from nexus.discovery.folder import module_files
from nexus.discovery.importing import import_candidate, undone_on_failure
from nexus.discovery.importnames import import_name
from nexus.discovery.plugin import LoadedPlugin, read_declarations
from nexus.discovery.precheck import find_misfit, host_api_misfit
from nexus.spec.check import Check
from nexus.spec.job import Job
from nexus.spec.manifest import Manifest
from nexus.spec.names import nearest
from nexus.spec.panel import Panel
from nexus.spec.route import Route
from nexus.spec.state import ModuleState, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleRecord:
    """What is known of one module before any of its start-up code runs.

    Attributes:
        name: unique in the host.
        source: where it comes from, in words; empty for one that is not there.
        location: the entry point or the file that declares it.
        version: None where only an import could tell.
        description: one line, empty where unknown.
        entry: its table in the configuration, None where it has none.
        state: `STARTING` where it may start; else `AVAILABLE`, `DISABLED`, `NOT_FOUND`, `INCOMPATIBLE` or `FAILED`.
        reason: why it is not `STARTING`, where there is something to explain.
        manifest: its identity and demands, once imported.
        routes: what it declares to serve.
        checks: what it declares to look at.
        jobs: what it declares to do.
        panels: what it declares to show on the dashboard.
        plugin: its hooks, for what comes after discovery.
        package: the Python name below which its code lives, once imported.
        import_seconds: what the import took.
        readme: its README file, where there is one.
    """

    name: str
    source: str = ""
    location: EntryPoint | Path | None = None
    version: str | None = None
    description: str = ""
    entry: ModuleEntry | None = None
    state: ModuleState
    reason: Reason | None = None
    manifest: Manifest | None = None
    routes: tuple[Route, ...] = ()
    checks: tuple[Check, ...] = ()
    jobs: tuple[Job, ...] = ()
    panels: tuple[Panel, ...] = ()
    plugin: LoadedPlugin | None = None
    package: str | None = None
    import_seconds: float | None = None
    readme: Path | None = None


@dataclass(frozen=True, slots=True)
class Catalog:
    """All modules that were found or asked for.

    Attributes:
        records: by name, in the order of the names.
        loaded: the record of every module whose code this process has run without fault, also where a table that
            asked for it is gone by now.
    """

    records: Mapping[str, ModuleRecord]
    loaded: Mapping[str, ModuleRecord] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What one discovery was asked for."""

    entries: Mapping[str, ModuleEntry]
    directory: Path
    only: frozenset[str] | None
    safe_mode: bool
    candidates: Mapping[str, Candidate]
    loaded: Mapping[str, ModuleRecord]


def discover(
    settings: HostSettings,
    *,
    directory: Path,
    only: frozenset[str] | None = None,
    safe_mode: bool = False,
    shipped: Path | None = None,
    reuse: Catalog | None = None,
) -> Catalog:
    """Gives the catalog of what is installed, shipped and configured; imports only what is to run.

    Args:
        settings: `modules` holds the tables; a module without one is listed and not imported.
        directory: what a relative `path` in a table is relative to.
        only: names to run; every other configured module is left out.
        safe_mode: leaves every configured module out.
        shipped: the folder of shipped modules, by default the host's own.
        reuse: an earlier catalog; code that it imported from the same place is not imported again.
    """
    if reuse is not None:
        importlib.invalidate_caches()  # a remedy such as `pip install` may have come since
    found = find(settings.modules, directory=directory, shipped=shipped or shipped_directory())
    request = _Request(
        entries=settings.modules,
        directory=directory,
        only=only,
        safe_mode=safe_mode,
        candidates={candidate.name: candidate for candidate in found},
        loaded=reuse.loaded if reuse is not None else {},
    )
    names = sorted({*request.candidates, *request.entries, *(only or ())})
    claimed: dict[str, str] = {}
    records = {name: _record(name, request, claimed) for name in names}
    loaded = {**request.loaded, **{name: record for name, record in records.items() if record.plugin is not None}}
    return Catalog(MappingProxyType(records), MappingProxyType(loaded))


def _record(name: str, request: _Request, claimed: dict[str, str]) -> ModuleRecord:
    entry, candidate = request.entries.get(name), request.candidates.get(name)
    if candidate is None:
        state = ModuleState.DISABLED if entry is not None and not entry.enabled else ModuleState.NOT_FOUND
        return ModuleRecord(name=name, entry=entry, state=state, reason=_not_found(name, entry, request))
    found = ModuleRecord(
        name=name,
        source=candidate.source,
        location=candidate.location,
        version=candidate.version,
        description=candidate.description,
        entry=entry,
        state=ModuleState.AVAILABLE,
        readme=candidate.readme,
    )
    for state, reason in _obstacles(candidate, entry, request, claimed):
        return replace(found, state=state, reason=reason)
    if (loaded := _loaded(candidate, request)) is not None:
        return replace(loaded, entry=entry)
    return _load(candidate, found)


def _obstacles(
    candidate: Candidate, entry: ModuleEntry | None, request: _Request, claimed: dict[str, str]
) -> Iterator[tuple[ModuleState, Reason | None]]:
    """Gives what keeps the candidate from being imported; the first one counts."""
    name = candidate.name
    clash = _clash(candidate)
    if entry is None:
        asked = request.only is not None and name in request.only
        yield ModuleState.AVAILABLE, clash or (_not_configured(name) if asked else None)
        return
    if not entry.enabled:
        yield ModuleState.DISABLED, Reason("disabled", "its table says 'enabled = false'")
    if request.safe_mode:
        yield ModuleState.DISABLED, Reason("safe_mode", "the host runs in safe mode: start it without --safe-mode")
    if request.only is not None and name not in request.only:
        yield ModuleState.DISABLED, Reason("left_out", "it is not among the modules that --only names")
    if clash is not None:
        yield ModuleState.FAILED, clash
    if isinstance(candidate.location, Path):
        other = claimed.setdefault(import_name(name), name)
        if other != name:
            yield ModuleState.FAILED, Reason("name_clash", f"its code would replace that of {other!r}: rename one")
    misfit = find_misfit(candidate) if _loaded(candidate, request) is None else None
    if misfit is not None:
        yield ModuleState.INCOMPATIBLE, misfit


def _loaded(candidate: Candidate, request: _Request) -> ModuleRecord | None:
    record = request.loaded.get(candidate.name)
    return record if record is not None and record.location == candidate.location else None


def _load(candidate: Candidate, found: ModuleRecord) -> ModuleRecord:
    try:
        with undone_on_failure(candidate):
            imported = import_candidate(candidate)
            declared = read_declarations(candidate.name, imported)
    except ModuleFault as fault:
        return replace(found, state=ModuleState.FAILED, reason=fault.reason)
    found = replace(found, import_seconds=imported.seconds, package=imported.package)
    manifest = declared.manifest
    found = replace(
        found, version=manifest.version, description=manifest.description or found.description, manifest=manifest
    )
    misfit = host_api_misfit(manifest.host_api)  # the source may have computed it
    if misfit is not None:
        return replace(found, state=ModuleState.INCOMPATIBLE, reason=misfit)
    return replace(
        found,
        state=ModuleState.STARTING,
        routes=declared.routes,
        checks=declared.checks,
        jobs=declared.jobs,
        panels=declared.panels,
        plugin=declared.plugin,
    )


def _clash(candidate: Candidate) -> Reason | None:
    if not candidate.clash:
        return None
    origins = " and ".join(candidate.clash)
    return Reason("name_clash", f"{origins} give this name: uninstall all but one, or choose a folder with 'path'")


def _not_configured(name: str) -> Reason:
    return Reason("not_configured", f"--only names it and it has no table: add [modules.{name}] to the configuration")


def _not_found(name: str, entry: ModuleEntry | None, request: _Request) -> Reason:
    if entry is not None and entry.path is not None:
        folder = request.directory / Path(entry.path).expanduser()
        near = _near(name, {other for other, _ in module_files(folder)}, otherwise="write it, or correct 'path'")
        missing = "" if folder.is_dir() else ", which is no folder"
        return Reason("not_found", f"there is no {name}.py and no {name}/ in {entry.path!r}{missing}: {near}")
    near = _near(name, set(request.candidates), otherwise="install it, or say with 'path' which folder holds it")
    return Reason("not_found", f"no installed distribution and no shipped module has the name {name!r}: {near}")


def _near(name: str, known: set[str], *, otherwise: str) -> str:
    close = nearest(name, sorted(known))
    return f"did you mean {close!r}?" if close else otherwise
