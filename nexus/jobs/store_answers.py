"""What the store of runs is told and answers where a run moves from one state to another."""

from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from nexus.jobs.run import Run, RunError, RunStatus

Log = tuple[list[str], int]
"""The lines that are kept, and how many were dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enqueued:
    """What became of a wish for a run.

    Attributes:
        outcome: `new`; `known`, where a run of this id is there already; `overlaps`, where the job forbids it; or
            `paused`, where its schedule rests.
        run: the new run, the known one, the one it overlaps with, or the one that is stored as skipped.
        replaced: runs that are to end for it.
        is_placed: True where a new run may begin at once.
    """

    outcome: Literal["new", "known", "overlaps", "paused"]
    run: Run | None
    replaced: tuple[Run, ...] = ()
    is_placed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """Runs that this replica is to begin.

    Attributes:
        runs: in the order in which they were stored.
        may_be_more: True where others may wait behind them.
    """

    runs: tuple[Run, ...] = ()
    may_be_more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An attempt that has begun, or a run that has ended instead.

    Attributes:
        run: as it is now.
        is_again: True where this attempt was under way before, on a host that died or left.
        log: what was logged of the run until now.
    """

    run: Run
    is_again: bool = False
    log: Log = ([], 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an attempt ended.

    Attributes:
        retry_at: when the next one is due; None where the run is over.
        keeps_place: False where another run may have the place until then.
    """

    status: RunStatus
    result: JsonValue = None
    error: RunError | None = None
    reason: str | None = None
    retry_at: float | None = None
    keeps_place: bool = True
