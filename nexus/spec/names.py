"""What names may look like: they appear in URLs, in TOML keys and in the names of environment variables."""

import re
from collections.abc import Iterable
from typing import Final

from nexus.spec.errors import InvalidDeclaration

MODULE_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")
"""A module's name: one URL segment, one TOML bare key, one environment variable's part."""

PART_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,63}")
"""A job's or check's name."""

HOST_API: Final = 1
"""The version of the authoring interface; raised when a module written for the old one would break."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Gives the known name that `name` may have been meant as; None where none is like it."""
    import difflib  # noqa: PLC0415 - for messages about mistakes alone

    return next(iter(difflib.get_close_matches(name, known, n=1)), None)


def one_by_one(what: str, given: Iterable[str]) -> frozenset[str]:
    """Gives the texts of a collection; `what` says in the error whose it is.

    Raises:
        InvalidDeclaration: it is one text, which Python would take apart into its letters, or holds what is no text.
    """
    names = frozenset() if isinstance(given, str) else frozenset(given)
    if isinstance(given, str) or not all(isinstance(name, str) for name in names):
        raise InvalidDeclaration(f"{what} are {given!r}: write a set of texts, as in {{'one'}}")
    return names


def check_module_name(name: str) -> str:
    """Gives `name` back.

    Raises:
        InvalidDeclaration: it is not one a module can have.
    """
    if not MODULE_NAME.fullmatch(name):
        raise InvalidDeclaration(
            f"module name {name!r} is not usable in a URL: use up to 64 of a-z, 0-9, '-' and '_', a letter first"
        )
    return name


def check_part_name(kind: str, name: str) -> str:
    """Gives `name` back; `kind` says in the error what is named.

    Raises:
        InvalidDeclaration: it is not one a part of a module can have.
    """
    if not PART_NAME.fullmatch(name):
        raise InvalidDeclaration(
            f"{kind} name {name!r} is not usable: use up to 64 letters, digits, '.', ':', '-' and '_', a letter first"
        )
    return name
