"""A module that was found and not imported yet: where it is and what is known of it so far."""

from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import EntryPoint
from pathlib import Path


class Kind(StrEnum):
    """Where modules come from."""

    DISTRIBUTION = "distribution"
    """An installed distribution's entry point in the group `nexus.modules`."""
    FOLDER = "folder"
    """The folder that `path` in the module's table names."""
    SHIPPED = "shipped"
    """The modules that come with the host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One found module.

    Attributes:
        name: the module's name; also its key in the configuration.
        kind: where it comes from.
        source: that place in words: `shipped`, `folder my_modules/hello.py`, `distribution nexus-hello 1.2`.
        location: the entry point, or the file that declares the module.
        version: as metadata or source tell it; None where only the import can.
        description: one line, empty where unknown.
        requirements: what it needs installed (PEP 508 strings, of the core metadata field `Requires-Dist`).
        requires_python: version range (PEP 440), None where it does not say.
        host_api: the range of the authoring interface, where the source says it as a literal.
        readme: its README file, where there is one.
        clash: every origin of this name, where it has more than one and no `path` decides.
    """

    name: str
    kind: Kind
    source: str
    location: EntryPoint | Path
    version: str | None = None
    description: str = ""
    requirements: tuple[str, ...] = ()
    requires_python: str | None = None
    host_api: str | None = None
    readme: Path | None = None
    clash: tuple[str, ...] = ()
