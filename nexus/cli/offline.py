"""What the configuration would load, told without a running host: settings bound, order and problems worked out."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nexus.api.module_view import route_views
from nexus.cli.failure import ExitCode, Failed
from nexus.config.effective import as_config_json
from nexus.config.origin import dotted
from nexus.config.problem import InvalidConfig, Problem
from nexus.config.scrubber import Scrubber
from nexus.discovery.catalog import ModuleRecord
from nexus.discovery.faults import IN_LOG
from nexus.discovery.ordering import levels
from nexus.host.module_settings import BoundModule, bind_module
from nexus.http import log_format
from nexus.http.uncaught import uncaught_logged
from nexus.preparation import Prepared, ServeOptions, prepare
from nexus.spec.state import ModuleState, Reason


@dataclass(frozen=True, slots=True)
class OfflineModule:
    """A module as it would stand just before its start.

    Attributes:
        record: its state is `STARTING` where it may start.
        bound: its settings; None where its code is not loaded.
        scrubber: knows every secret of the configuration.
    """

    record: ModuleRecord
    bound: BoundModule | None
    scrubber: Scrubber


@dataclass(frozen=True, slots=True)
class Outlook:
    """A prepared host and its modules by name, with every problem."""

    prepared: Prepared
    modules: dict[str, OfflineModule]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every finding, also that a module cannot run; in the order host, then module by module."""
        found: list[Problem] = list(self.prepared.problems)
        for module in self.modules.values():
            found += module.bound.problems if module.bound else ()
            found += _state_problem(self.prepared, module.record)
        return tuple(dict.fromkeys(found))


def look(files: tuple[Path, ...], environment: str | None, *, verbose: bool = False) -> Outlook:
    """Prepares a host and binds the settings of every module that may start.

    Args:
        files: configuration files.
        environment: the configuration's environment.
        verbose: write the tracebacks of modules' own faults to stderr; each fault is a problem or a reason anyway.
    """
    # Modules are imported, and what they log then may quote a secret.
    scrubber = Scrubber()
    handler = log_format.set_up(level="warning", layout="text", scrubber=scrubber)
    if not verbose:
        handler.addFilter(lambda record: not record.exc_text)
    with uncaught_logged():
        prepared = prepare(ServeOptions(files=files, environment=environment), scrubber=scrubber)
    bound = {
        name: bind_module(record, prepared.loaded, prepared.scrubber)
        for name, record in prepared.catalog.records.items()
        if record.state is ModuleState.STARTING
    }
    records = {name: _without_a_log(record) for name, record in prepared.catalog.records.items()}
    for name, found in bound.items():
        if found.reason is not None:
            records[name] = replace(records[name], state=ModuleState.INVALID_CONFIG, reason=found.reason)
    for name, reason in levels(records).blocked.items():
        records[name] = replace(records[name], state=ModuleState.BLOCKED, reason=reason)
    modules = {name: OfflineModule(record, bound.get(name), scrubber) for name, record in records.items()}
    return Outlook(prepared, modules)


def _without_a_log(record: ModuleRecord) -> ModuleRecord:
    """Nothing that is asked offline writes a log to look into."""
    if record.reason is None:
        return record
    told = record.reason.message.replace(IN_LOG, "'nexus check -v' shows the traceback")
    return replace(record, reason=replace(record.reason, message=told))


def look_or_fail(files: tuple[Path, ...], environment: str | None) -> Outlook:
    """As `look`, for a host that could start.

    Raises:
        InvalidConfig: it could not.
    """
    outlook = look(files, environment)
    if outlook.prepared.settings is None:
        raise InvalidConfig(
            each for each in outlook.prepared.problems if each.level == "error" and not each.path.startswith("modules.")
        )
    return outlook


def find_module(outlook: Outlook, name: str) -> OfflineModule:
    """Gives the module of this name.

    Raises:
        Failed: there is none.
    """
    try:
        return outlook.modules[name]
    except KeyError:
        raise Failed(
            f"there is no module {name!r}: 'nexus modules --offline' lists them all", ExitCode.NOT_FOUND
        ) from None


def module_json(module: OfflineModule) -> dict[str, Any]:
    """Gives what is known of a module, under the names that the API uses; scrubbed, as the API's answers are."""
    record, manifest = module.record, module.record.manifest
    shown: dict[str, Any] = {
        "name": record.name,
        "version": record.version,
        "description": record.description,
        "source": record.source,
        "state": record.state.value,
        "reason": _reason_json(record.reason),
        "required": bool(record.entry and record.entry.required),
        "requires": sorted(manifest.requires) if manifest else [],
        "after": sorted(manifest.after) if manifest else [],
        "routes": [route.model_dump(mode="json") for route in route_views(record.routes, f"/m/{record.name}")],
        "jobs": [{"type": job.type, "summary": job.summary} for job in record.jobs],
        "config": as_config_json(module.bound.views) if module.bound else {},
    }
    return {key: module.scrubber.scrub_data(value) for key, value in shown.items()}


def _reason_json(reason: Reason | None) -> dict[str, str] | None:
    return {"code": reason.code, "message": reason.message} if reason else None


def _state_problem(prepared: Prepared, record: ModuleRecord) -> Iterator[Problem]:
    fit = (ModuleState.STARTING, ModuleState.AVAILABLE, ModuleState.DISABLED, ModuleState.INVALID_CONFIG)
    if record.state in fit or record.reason is None:
        return
    at = ("modules", record.name)
    yield Problem(prepared.loaded.tree.origin(at), dotted(at), record.reason.message)
