"""Where a module stands, and the event that says it moved."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class ModuleState(StrEnum):
    """The state of one module; the host alone moves it."""

    AVAILABLE = "available"
    """Found, but no `[modules.<name>]` table asks for it; its code is not imported."""
    DISABLED = "disabled"
    """Its table says `enabled = false`, or the command line left it out."""
    NOT_FOUND = "not_found"
    """Its table names something that is not there."""
    INCOMPATIBLE = "incompatible"
    """Its requirements or its host interface do not fit; its code is not imported."""
    INVALID_CONFIG = "invalid_config"
    """Its settings do not bind to its model."""
    BLOCKED = "blocked"
    """A module it requires does not run, or the two require each other."""
    STARTING = "starting"
    """Its start-up code is running."""
    RETRYING = "retrying"
    """Its start-up said that it is not ready; the host tries again at a known time."""
    RUNNING = "running"
    """Serves."""
    DEGRADED = "degraded"
    """Serves, but a background task of its own died or a critical check fails."""
    FAILED = "failed"
    """Import, declaration or start-up raised; not tried again until reload."""
    STOPPING = "stopping"
    """Its clean-ups are running."""
    STOPPED = "stopped"
    """Ended with the host, or with the table that asked for it."""

    @property
    def serves(self) -> bool:
        """True where the module's routes answer."""
        return self in (ModuleState.RUNNING, ModuleState.DEGRADED)

    @property
    def in_words(self) -> str:
        """What a sentence about the module says: `is running`, `has failed`."""
        return _IN_WORDS.get(self, f"is {self.value}")


_IN_WORDS: Final = {
    ModuleState.NOT_FOUND: "is not there",
    ModuleState.INVALID_CONFIG: "has invalid settings",
    ModuleState.FAILED: "has failed",
    ModuleState.STOPPED: "has stopped",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a module is where it is.

    Attributes:
        code: stable, for machines: `import_error`, `startup_timeout`, `dependency_failed` and the like.
        message: one sentence for an operator, scrubbed of secrets.
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleStateChanged:
    """A module moved from one state to the next.

    Attributes:
        module: its name.
        previous: where it stood.
        state: where it stands now.
        phase: what the host was doing: `discovery`, `settings`, `startup`, `serving`, `reload` or `shutdown`.
        at: UTC instant.
        reason: None where there is nothing to explain.
    """

    module: str
    previous: ModuleState | None
    state: ModuleState
    phase: str
    at: datetime
    reason: Reason | None
