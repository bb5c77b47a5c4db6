"""Remembers a good end that the store could not be told of, so that it counts as no death; each method blocks.

A host that is stopped while its store is away looks dead to everybody, and a run under which too many hosts have died
is lost. What a file in the state directory tells, the next host there tells the store before it takes anything up.
"""

import contextlib
from pathlib import Path
from typing import Final

from nexus.jobs.abandoned import AbandonedRuns
from nexus.jobs.replicas import Replicas

_NAME: Final = "jobs-left-"


class Farewells:
    """The good ends of replicas on one state directory.

    Args:
        state_dir: of local state.
        abandoned: takes the runs of those that have left.
        replicas: the list of hosts.
    """

    def __init__(self, state_dir: Path, abandoned: AbandonedRuns, replicas: Replicas) -> None:
        self._state_dir = state_dir
        self._abandoned = abandoned
        self._replicas = replicas

    def leave(self, replica: str) -> None:
        """Tells the store that a replica takes part no longer, or else the next host here; raises what it raises."""
        file = self._state_dir / f"{_NAME}{replica}"
        with contextlib.suppress(OSError):  # without it the end is good all the same where the store answers
            file.touch(mode=0o600)
        self._abandoned.release(replica)
        self._replicas.leave(replica)
        file.unlink(missing_ok=True)

    def tell(self) -> None:
        """Tells the store of those that it could not be told of when they left."""
        for file in sorted(self._state_dir.glob(f"{_NAME}*")):
            self.leave(file.name.removeprefix(_NAME))
