"""What can go wrong with jobs; each class is something a caller can act on."""

from collections.abc import Sequence

from nexus.spec.errors import NexusError


class StoreUnusable(NexusError):
    """The store that is configured cannot be opened: wrong address, no rights, or held by another host."""


class StoreHeld(StoreUnusable):
    """Another host has the store's file open; waiting does not help."""


class StoreUnavailable(NexusError):
    """The store does not answer just now; nothing is lost, ask again."""


class StoreRefused(StoreUnavailable):
    """The store answers, and takes this no more often than it is asked: it cannot hold what is to be written."""


class UnknownJob(NexusError):
    """No module of this name has a job of this name."""


class UnknownRun(NexusError):
    """There is no run of this id, or it is no longer kept."""


class AlreadyRunning(NexusError):
    """The job forbids a second run while one is queued or running; `run_id` is that one."""

    def __init__(self, message: str, run_id: str) -> None:
        super().__init__(message)
        self.run_id = run_id


class NotFinal(NexusError):
    """The run is under way, so it cannot be done again yet."""


class ModuleDown(NexusError):
    """The job's module does not serve just now."""


class InvalidOptions(NexusError):
    """The options do not fit the job's model; `mistakes` tells each as path and sentence, without any value."""

    def __init__(self, mistakes: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{path}: {sentence}" if path else sentence for path, sentence in mistakes))
        self.mistakes = tuple(mistakes)


class InvalidCursor(NexusError):
    """The cursor is none that a list of runs gave."""


class KeyReused(NexusError):
    """The idempotency key belongs to a run with other options."""
