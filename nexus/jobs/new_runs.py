"""Makes runs of jobs, as they are before they are stored."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from nexus.jobs.definition import JobDefinition
from nexus.jobs.options import bound_options, shown_options
from nexus.jobs.run import Run, RunStatus, Trigger


@dataclass(frozen=True, slots=True)
class NewRuns:
    """Makes them.

    Attributes:
        scrub: takes secrets out of JSON-like data.
        now: the present instant, UTC.
    """

    scrub: Callable[[object], object]
    now: Callable[[], datetime]

    def __call__(
        self,
        definition: JobDefinition,
        given: Mapping[str, JsonValue],
        *,
        id: str,  # noqa: A002 - the run's field has this name
        trigger: Trigger,
        requested_by: str | None = None,
        requested_issuer: str | None = None,
        scheduled_for: datetime | None = None,
        start_by: datetime | None = None,
        next_attempt_at: datetime | None = None,
        retry_of: str | None = None,
    ) -> Run:
        """Gives a run that waits, with `given` in the place of configured options; the rest is as `Run` has it.

        Raises:
            InvalidOptions: the options do not fit.
        """
        shown = self.scrub(shown_options(bound_options(definition, given)))
        return Run(
            id=id,
            module=definition.module,
            job=definition.name,
            type=definition.type,
            trigger=trigger,
            requested_by=requested_by,
            requested_issuer=requested_issuer,
            scheduled_for=scheduled_for,
            status=RunStatus.QUEUED,
            attempt=0,
            attempts=definition.attempts,
            replica=None,
            queued_at=self.now(),
            start_by=start_by,
            started_at=None,
            finished_at=None,
            next_attempt_at=next_attempt_at,
            progress=None,
            result=None,
            error=None,
            reason=None,
            options=shown if isinstance(shown, dict) else {},
            input=dict(given),
            retry_of=retry_of,
            cancelled_by=None,
            cancelled_issuer=None,
        )
