"""The message that the next page shows after an action (post, redirect, get); needs no script and no store.

The cookie names one of the texts below and holds only numbers and names for its gaps, so that one which somebody else
has set can say nothing else.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from aiohttp import web

COOKIE: Final = "nexus-flash"

_KEPT: Final = 60
"""Seconds in which the next page is expected."""

_GAP: Final = re.compile(r"[\w.:@ -]{0,120}")

_TEXTS: Final[Mapping[str, tuple[Literal["good", "warn"], str]]] = {
    "started": ("good", "The run has been started."),
    "retried": ("good", "The run is done again, as a new run."),
    "cancelled": ("good", "The run is being cancelled."),
    "ended": ("warn", "The run had ended before it could be cancelled."),
    "paused": ("good", "The schedule of {job} rests until it is resumed."),
    "resumed": ("good", "The schedule of {job} goes on."),
    "many_retried": ("good", "Done again: {done}."),
    "some_retried": ("warn", "Done again: {done}. Could not be: {refused}."),
    "many_cancelled": ("good", "Being cancelled: {done}."),
    "some_cancelled": ("warn", "Being cancelled: {done}. Had ended, or could not be: {refused}."),
    "session_revoked": ("good", "The session has been ended."),
    "signed_in": ("good", "You are signed in."),
}


@dataclass(frozen=True, slots=True)
class Flash:
    """What is shown once.

    Attributes:
        tone: how it looks.
        text: one sentence.
    """

    tone: Literal["good", "warn"]
    text: str


def redirect(location: str, *, base: str, flash: str | None = None, **gaps: str | int) -> web.Response:
    """Gives a 303 to a page, which then shows the text that `flash` names.

    Args:
        location: a path on this host.
        base: of all pages, with the mount point; the cookie goes nowhere else.
        flash: the text's name; None for none.
        gaps: what is put into it.
    """
    response = web.Response(status=303, headers={"Location": location, "Cache-Control": "no-store"})
    if flash is not None:
        told = json.dumps([flash, {name: str(value) for name, value in gaps.items()}], separators=(",", ":"))
        response.set_cookie(COOKIE, told.encode().hex(), max_age=_KEPT, path=base, httponly=True, samesite="Strict")
    return response


def read_flash(request: web.Request) -> Flash | None:
    """Gives the message that the last action left, None where there is none."""
    value = request.cookies.get(COOKIE)
    if value is None or len(value) > 2000:
        return None
    try:
        name, gaps = json.loads(bytes.fromhex(value))
        tone, text = _TEXTS[name]
        clean = {str(gap): told for gap, told in gaps.items() if isinstance(told, str) and _GAP.fullmatch(told)}
        return Flash(tone, text.format_map(clean))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
