"""What is wrong with a configuration: every finding at once, each with its place and its remedy."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from nexus.config.origin import Origin
from nexus.spec.errors import NexusError


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding.

    Attributes:
        origin: the place; None where the configuration as a whole is meant.
        path: the dotted key; empty where a file as a whole is meant.
        message: what is wrong and what to do; never a secret's value.
        level: a warning does not keep the host from starting, unless it is asked to be strict.
    """

    origin: Origin | None
    path: str
    message: str
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        parts = (str(self.origin) if self.origin else "", self.path, self.message)
        return ": ".join(part for part in parts if part)


class InvalidConfig(NexusError):
    """The configuration cannot be used; `problems` holds every finding."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
