"""The job that probes; when it runs is the configuration's matter."""

from pydantic import BaseModel, Field

import nexus

from .history import State
from .service import open_board
from .settings import Settings


class ProbeOptions(BaseModel):
    """What the `options` of an entry in `[[modules.uptime.jobs]]` may say."""

    targets: tuple[str, ...] = Field((), description="Names of the targets to probe; all where empty.")


async def probe(context: nexus.JobContext[Settings], options: ProbeOptions) -> dict[str, int | list[str]]:
    """Probe the targets, and tell which have changed."""
    board = await open_board(context)
    names = tuple(dict.fromkeys(options.targets or board.histories))
    # No step of its own for each target: an attempt after a crash should ask again, not repeat an old answer.
    changes = await board.probe(names, context, on_done=lambda done: context.progress(done, len(names)))
    return {
        "probed": len(names),
        "changed": sorted(change.name for change in changes),
        "down": sorted(name for name in board.names(State.DOWN) if name in names),
    }
