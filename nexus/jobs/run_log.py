"""Keeps what is logged while a run's code runs, scrubbed and within bounds."""

import contextvars
import logging
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

_MAX_LINE: Final = 1000
"""Characters of one line."""

_CURRENT: Final = contextvars.ContextVar["RunLog | None"]("nexus_run_log", default=None)


class RunLog:
    """The latest lines of one run, over all its attempts.

    Args:
        scrub: takes secrets out.
        limit: lines that are kept.
        attempt: the number of the one that logs; each line tells it.
        earlier: the lines of those before it that are kept, and how many are not.
    """

    def __init__(
        self, scrub: Callable[[str], str], limit: int, *, attempt: int, earlier: tuple[Sequence[str], int]
    ) -> None:
        lines, dropped = earlier
        self._scrub = scrub
        self._attempt = attempt
        self._kept: deque[str] = deque(lines, maxlen=limit)
        self._count = len(lines) + dropped
        self.is_changed = False

    @property
    def lines(self) -> list[str]:
        """The lines that are kept, oldest first."""
        return list(self._kept)

    @property
    def dropped(self) -> int:
        """How many older lines are kept no longer."""
        return self._count - len(self._kept)

    def collect(self) -> None:
        """Takes what is logged in this context from now on, by the tasks that it starts too."""
        _CURRENT.set(self)

    def add(self, record: logging.LogRecord) -> None:
        """Keeps a record as one line; an exception as its type and message, since the host's log has the traceback."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        text = " ".join(record.getMessage().split())
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            text = f"{text}: {type(error).__name__}: {' '.join(str(error).split())}"
        line = self._scrub(f"{at} [{self._attempt}] {record.levelname.lower()} {text}")
        self._kept.append(line if len(line) <= _MAX_LINE else f"{line[:_MAX_LINE]}…")
        self._count += 1
        self.is_changed = True


class RunLogHandler(logging.Handler):
    """Gives each record to the log of the run in whose context it is written; on the root logger."""

    def emit(self, record: logging.LogRecord) -> None:
        """Implements `logging.Handler`."""
        log = _CURRENT.get()
        if log is None:
            return
        try:
            log.add(record)
        except Exception:  # noqa: BLE001 - a stranger's arguments, formatted by a stranger's code
            self.handleError(record)
