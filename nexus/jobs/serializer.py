"""How the job engine's library writes values into the store: JSON, never pickle, with exceptions that come back."""

import builtins
import json
import sys
from collections.abc import Callable
from typing import Any, Final

import dbos

from nexus.jobs.plain import plain
from nexus.spec.errors import NexusError

_ERROR: Final = "__nexus_error__"

_MAX_TEXT: Final = 2000


class StepFailed(NexusError):
    """Stands for an exception whose class cannot be made again; its message names the class."""


class JsonSerializer(dbos.Serializer):
    """Implements the library's serializer.

    Args:
        scrub: takes secrets out of the messages of exceptions.
    """

    def __init__(self, scrub: Callable[[str], str]) -> None:
        self._scrub = scrub

    def serialize(self, data: Any) -> str:
        """Gives JSON; an exception as its class and message."""
        if isinstance(data, BaseException):
            kind = type(data)
            told = {
                "module": kind.__module__,
                "class": kind.__qualname__,
                "message": self._scrub(str(data))[:_MAX_TEXT],
            }
            return json.dumps({_ERROR: told})
        return json.dumps(plain(data), ensure_ascii=False)

    def deserialize(self, serialized_data: str) -> Any:
        """Gives the value, or an exception of the same class where that can be made of a message alone."""
        value = json.loads(serialized_data)
        if isinstance(value, dict) and value.keys() == {_ERROR}:
            return _rebuilt(**{key.replace("class", "kind"): text for key, text in value[_ERROR].items()})
        return value

    def name(self) -> str:
        """Names the form in the store."""
        return "nexus_json"


def _rebuilt(module: str, kind: str, message: str) -> Exception:
    # Only what is loaded already: a name in the store must not decide what code is imported.
    home = builtins if module == "builtins" else sys.modules.get(module)
    found = getattr(home, kind, None)
    if isinstance(found, type) and issubclass(found, Exception):
        try:
            return found(message)
        except Exception:  # noqa: BLE001 - a stranger's constructor
            return StepFailed(f"{kind}: {message}")
    return StepFailed(f"{kind}: {message}")
