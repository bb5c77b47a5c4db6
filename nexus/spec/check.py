"""A health check as a module declares it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nexus.spec.errors import InvalidDeclaration
from nexus.spec.names import check_part_name

if TYPE_CHECKING:
    from nexus.spec.context import ModuleContext

Probe = Callable[["ModuleContext[Any]"], Awaitable[object]]
"""What looks: an async function of the module's context that raises to fail.

A mapping it returns is shown to those who may see details.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing to look at regularly; it runs in the background, never inside a request for a probe.

    Attributes:
        name: unique in the module.
        probe: raises to fail; its message is shown, scrubbed, to those who may see details.
        critical: a failure of a critical check of a required module holds readiness; any other failure is a warning.
        interval: seconds between runs; None takes the host's setting (30).
        timeout: seconds after which it has failed; None takes the host's setting (2).
    """

    name: str
    probe: Probe
    critical: bool = True
    interval: float | None = None
    timeout: float | None = None

    def __post_init__(self) -> None:
        """Refuses bad names and times.

        Raises:
            InvalidDeclaration: the name is not usable or a time is not above zero.
        """
        check_part_name("check", self.name)
        for label, value in (("interval", self.interval), ("timeout", self.timeout)):
            if value is not None and value <= 0:
                raise InvalidDeclaration(f"check {self.name!r} has {label} {value}: give seconds above zero")
