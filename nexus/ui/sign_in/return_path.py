"""Where somebody goes after sign-in: a page of this host, whatever the address says."""

import re
from typing import Final
from urllib.parse import unquote

_MAX_LENGTH: Final = 2000
_PATH: Final = re.compile(r"[A-Za-z0-9/._~!$&'()*+,;=:@%-]*")
_QUERY: Final = re.compile(r"[A-Za-z0-9/._~!$&'()*+,;=:@%?-]*")
_OWN: Final = ("/sign-in", "/sign-out", "/link", "/callback", "/static")


def safe_return_path(wanted: str | None, base: str) -> str:
    """Gives `wanted` where it is a page below `base`, else `base`.

    What a browser makes of a path is not guessed: whatever is not plainly spelled is not taken.

    Args:
        wanted: path and query from outside.
        base: path of all pages, such as `/nexus/ui`.
    """
    return wanted if wanted is not None and _is_page(wanted, base) else base


def _is_page(wanted: str, base: str) -> bool:
    path, _, query = wanted.partition("?")
    if len(wanted) > _MAX_LENGTH or not _PATH.fullmatch(path) or not _QUERY.fullmatch(query):
        return False
    if path != base and not path.startswith(f"{base}/"):
        return False
    try:
        below = unquote(path, errors="strict").removeprefix(base)
    except UnicodeDecodeError:
        return False
    if "\\" in below or not below.isprintable() or below.startswith(_OWN):
        return False
    segments = below.split("/")[1:]
    return "" not in segments[:-1] and not {".", ".."}.intersection(segments)
