"""Binds what the configuration says of one module: its table, its settings and its jobs' options."""

import logging
import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel

from nexus.config.binding import bind, written
from nexus.config.effective import SettingView, views
from nexus.config.host_binding import module_problems
from nexus.config.loading import Loaded
from nexus.config.origin import Path, dotted
from nexus.config.problem import Problem
from nexus.config.scrubber import Scrubber
from nexus.config.settings import ModuleEntry, NoSettings
from nexus.discovery.catalog import ModuleRecord
from nexus.spec.state import ModuleState, Reason

logger = logging.getLogger("nexus.host")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundModule:
    """The outcome of binding one module's tables.

    Attributes:
        settings: None where there are errors.
        problems: errors and warnings.
        views: the settings as they may be shown; empty where they do not bind.
        jobs: the bound options of each configured job, by the job's name; None for a job that takes none.
        seconds: what the binding took.
    """

    settings: BaseModel | None
    problems: tuple[Problem, ...]
    views: tuple[SettingView, ...]
    jobs: dict[str, BaseModel | None]
    seconds: float = 0.0

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep the module from starting."""
        return tuple(problem for problem in self.problems if problem.level == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that do not."""
        return tuple(problem for problem in self.problems if problem.level == "warning")

    @property
    def reason(self) -> Reason | None:
        """Every error in one sentence each, None where the module may start."""
        if not self.errors:
            return None
        return Reason("invalid_settings", "; ".join(str(problem) for problem in self.errors))


def bind_modules(records: Iterable[ModuleRecord], loaded: Loaded, scrubber: Scrubber) -> dict[str, BoundModule]:
    """Gives the settings of each module whose code is loaded, by name; may run in a thread, and logs the warnings."""
    bounds = {
        record.name: bind_module(record, loaded, scrubber) for record in records if record.state is ModuleState.STARTING
    }
    for bound in bounds.values():
        for problem in bound.warnings:
            logger.warning("configuration: %s", problem, extra={"event": "config.warning"})
    return bounds


def bind_module(record: ModuleRecord, loaded: Loaded, scrubber: Scrubber) -> BoundModule:
    """Gives the settings of a module whose code is loaded, or everything that is wrong with its tables.

    A model whose validators raise something else than a `ValueError` makes its own module invalid and no other.
    """
    began = time.perf_counter()
    at: Path = ("modules", record.name)
    model = record.manifest.settings if record.manifest and record.manifest.settings else NoSettings
    problems = [*module_problems(loaded.problems, record.name)]
    problems += bind(loaded.tree, at, ModuleEntry, scrubber=scrubber).problems
    jobs: dict[str, BaseModel | None] = {}
    settings: BaseModel | None = None
    shown: tuple[SettingView, ...] = ()
    try:
        bound = bind(loaded.tree, (*at, "config"), model, scrubber=scrubber)
        problems += bound.problems
        problems += _bind_jobs(record, loaded, scrubber, jobs)
        settings = bound.value
        shown = views(settings, loaded.tree, (*at, "config")) if settings is not None else ()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - validators and serializers are a stranger's code
        # No traceback: the exception's text may quote a secret that no successful binding has made known yet.
        last = traceback.extract_tb(error.__traceback__)[-1]
        message = f"the module's own model raised {type(error).__name__} at {last.filename}:{last.lineno}"
        problems.append(Problem(loaded.tree.origin(at), dotted((*at, "config")), message))
        settings = None
    unique = tuple(dict.fromkeys(problems))
    if any(problem.level == "error" for problem in unique):
        settings = None
    return BoundModule(settings=settings, problems=unique, views=shown, jobs=jobs, seconds=time.perf_counter() - began)


def _bind_jobs(
    record: ModuleRecord, loaded: Loaded, scrubber: Scrubber, options: dict[str, BaseModel | None]
) -> Iterable[Problem]:
    entries = written(loaded.tree, ("modules", record.name, "jobs"))
    if not isinstance(entries, list):
        return ()
    # What reads schedules is loaded where a module has a job configured.
    from nexus.host.job_settings import bind_jobs  # noqa: PLC0415

    return bind_jobs(record, len(entries), loaded, scrubber, options)
