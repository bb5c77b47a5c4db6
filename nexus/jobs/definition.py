"""A job as it is configured: what a module declares, with what its table says."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel

from nexus.spec.context import ModuleContext
from nexus.spec.job import OptionsModel, Overlap

if TYPE_CHECKING:
    from nexus.jobs.schedule import Schedule

JobKey = tuple[str, str]
"""A module's name and the job's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDefinition:
    """One job of a module, ready to run.

    Attributes:
        module: whose it is.
        name: unique in the module.
        type: which of the module's jobs it is.
        summary: what it does.
        run: the module's own function.
        model: what options are bound to; None for a job that takes none.
        options: the configured ones, bound; None where the table names none, or they need what a caller gives.
        line: the schedule as it is written; None on demand only.
        timezone: what it is read in.
        schedule: the schedule itself.
        overlap: what happens to a run while another goes on.
        concurrency: runs of it at once over all replicas; None: no limit of its own.
        deadline: seconds after its instant in which a scheduled run may still be queued; None: any time.
        jitter: seconds by which a scheduled start is delayed at random.
        attempts: how often a failing run is tried.
        retry_delay: seconds before the second attempt; doubled before each further one.
        retry_delay_max: the most seconds between two attempts.
        timeout: seconds an attempt may take; None: no limit.
        paused: the configured state; somebody may have changed it since.
    """

    module: str
    name: str
    type: str
    summary: str
    run: Callable[..., Awaitable[Any]]
    model: OptionsModel | None
    options: BaseModel | None
    line: str | None
    timezone: str
    schedule: "Schedule | None"
    overlap: Overlap
    concurrency: int | None
    deadline: float | None
    jitter: float
    attempts: int
    retry_delay: float
    retry_delay_max: float
    timeout: float | None
    paused: bool

    @property
    def key(self) -> JobKey:
        """Tells it from every other job."""
        return self.module, self.name


class JobSource(Protocol):
    """Where the engine learns which jobs there are; asked again each time, since modules come and go."""

    def definitions(self, module: str | None = None) -> Mapping[JobKey, JobDefinition]:
        """Gives every job of every module whose settings are bound, or of one of them alone."""

    def is_declared(self, key: JobKey) -> bool:
        """True where a module has such a job, but cannot be used as it is configured."""

    def context(self, module: str) -> ModuleContext[Any] | None:
        """Gives the module's context while it serves."""

    def is_coming(self, module: str) -> bool:
        """True where the module may still come to serve by itself."""
