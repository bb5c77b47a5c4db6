"""What one module tells the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue

NO_DATA: Final[Mapping[str, JsonValue]] = MappingProxyType({})
"""Of an event whose type says everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleEvent:
    """A module has published something with `context.events`.

    Attributes:
        module: who published it.
        type: what happened, in the words of that module, such as `target.down`.
        data: what belongs to the type; scrubbed of secrets, and the listener's own copy.
        at: UTC instant.
    """

    module: str
    type: str
    data: Mapping[str, JsonValue]
    at: datetime
