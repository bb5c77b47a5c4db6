"""A job as a module declares it; when and with what it runs is the configuration's matter."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from nexus.spec.errors import InvalidDeclaration
from nexus.spec.names import check_part_name

Overlap = Literal["forbid", "allow", "replace"]
"""What happens to a run that is due while the one before it still runs."""


OptionsModel = type[BaseModel]
"""A pydantic model; named here because `Job.type` hides the builtin inside the class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """A run has ended, or was skipped.

    Attributes:
        module: whose job it was.
        job: the job's name.
        run_id: the run's id.
        status: `succeeded`, `failed`, `cancelled`, `timed_out`, `lost` or `skipped`.
        attempt: the number of its last attempt.
        reason: what went wrong, None where nothing did.
    """

    module: str
    job: str
    run_id: str
    status: str
    attempt: int
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One kind of work a module can do.

    Attributes:
        type: unique in the module; `[[modules.<name>.jobs]]` entries name it.
        run: async function of the job context and, where `options` is given, the bound options.
        options: the model that configured and posted options are bound to.
        timeout: seconds one attempt may take.
        overlap: what happens while the last run goes on.
        attempts: how often a failing run is tried.
        summary: the first line of the function's docstring.
    """

    type: str
    run: Callable[..., Awaitable[Any]]
    options: OptionsModel | None = None
    timeout: float | None = None
    overlap: Overlap = "forbid"
    attempts: int = 1
    summary: str = ""

    def __post_init__(self) -> None:
        """Refuses bad names and bounds.

        Raises:
            InvalidDeclaration: the name is not usable, or a bound is not above zero.
        """
        check_part_name("job", self.type)
        if self.timeout is not None and self.timeout <= 0:
            raise InvalidDeclaration(f"job {self.type!r} has timeout {self.timeout}: give seconds above zero")
        if self.attempts < 1:
            raise InvalidDeclaration(f"job {self.type!r} has attempts {self.attempts}: give 1 or more")
