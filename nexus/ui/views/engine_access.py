"""How pages reach the engine of jobs: a store that is away empties a part of a page, and never the page."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from nexus.host.host import Host
from nexus.jobs.errors import StoreUnavailable, StoreUnusable
from nexus.jobs.run_marks import Standing

if TYPE_CHECKING:
    from nexus.jobs.engine import JobEngine

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """What the store of runs told.

    Attributes:
        value: what was asked for, or what stands for nothing.
        trouble: why it could not be told; empty where it could.
    """

    value: T
    trouble: str = ""


async def ask(host: Host, question: "Callable[[JobEngine], Awaitable[T]]", otherwise: T) -> Asked[T]:
    """Asks the engine; gives `otherwise` where no module has jobs, and the trouble where the store is away."""
    try:
        engine = host.jobs.find_engine()
        return Asked(otherwise if engine is None else await question(engine))
    except (StoreUnavailable, StoreUnusable) as error:
        return Asked(otherwise, str(error))


async def standing_of(host: Host) -> Asked[Standing]:
    """Gives how jobs stand, as far as the store alone knows."""
    return await ask(host, lambda engine: engine.figures.standing(), Standing(paused={}, failing=()))


def engine_of(host: Host) -> "JobEngine | None":
    """Gives the engine; None where no module has jobs, or it is not open."""
    try:
        return host.jobs.find_engine()
    except (StoreUnavailable, StoreUnusable):
        return None
