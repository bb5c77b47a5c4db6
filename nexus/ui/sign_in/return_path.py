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
    if wanted is None or len(wanted) > _MAX_LENGTH:
        return base
    path, mark, query = wanted.partition("?")
    if not _PATH.fullmatch(path) or not _QUERY.fullmatch(query):
        return base
    if path != base and not path.startswith(f"{base}/"):
        return base
    plain = unquote(path, errors="replace")
    segments = plain.removeprefix(base).split("/")[1:]
    if any(segment in ("", ".", "..") for segment in segments[:-1]) or segments[-1:] in ([".."], ["."]):
        return base
    if "\\" in plain or not plain.isprintable() or plain.removeprefix(base).startswith(_OWN):
        return base
    return path + mark + query
