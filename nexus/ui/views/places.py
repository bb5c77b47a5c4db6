"""Which page shows what a line of the audit trail is about."""

import re
from typing import Final

_PLACE: Final = re.compile(
    r"/(?:ui|api)(?P<page>/modules/[^/]+/jobs/[^/]+|/modules/[^/]+|/runs/(?!(?:cancel|retry)$)[^/]+)(?:/|$)"
)


def place_of(target: str) -> str:
    """Gives the path below `/ui` of the page of a module, a job or a run that was asked for; empty where there is none.

    Args:
        target: a method and a path, such as `POST /ui/runs/1f0c/cancel`, or a name.
    """
    found = _PLACE.search(target)
    return found["page"] if found else ""
