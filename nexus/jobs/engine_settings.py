"""What the job engine is opened with."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """What the engine is opened with.

    Attributes:
        url: of the store.
        directory: what a relative file of it lies below.
        state_dir: where its default file lies.
        name: of this instance, for people.
        replica: unique for each start of each replica.
        concurrency: attempts at once on this replica.
        total_concurrency: runs at once over all replicas; None: no limit.
        keep_runs: final runs that are kept of each job.
        keep_days: days for which a final run is kept.
        log_lines: lines of a run's log that are kept.
        result_bytes: bytes of a result that are kept.
    """

    url: str
    directory: Path
    state_dir: Path
    name: str
    replica: str
    concurrency: int
    total_concurrency: int | None
    keep_runs: int
    keep_days: float
    log_lines: int
    result_bytes: int


class Spawn(Protocol):
    """Starts a task that somebody owns, cancels and awaits."""

    def __call__(self, name: str, work: Coroutine[Any, Any, None], /) -> "asyncio.Task[None]":
        """Gives the task."""
