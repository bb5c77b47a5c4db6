"""Log lines: JSON for machines, text for a terminal; each knows the request and the module it belongs to."""

import json
import logging
import os
import select
import stat
import sys
from datetime import UTC, datetime
from typing import IO, Final, Literal, TextIO

from nexus.config.scrubber import Scrubber, ScrubbingFilter
from nexus.http.inflight import CURRENT

AUDIT: Final = "nexus.audit"
"""The logger of decisions and actions."""

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_OURS: Final = frozenset({"event", "module_name", "request_id"})
_COLOURS: Final = {logging.WARNING: "\x1b[33m", logging.ERROR: "\x1b[31m", logging.CRITICAL: "\x1b[31;1m"}
_STDERR: Final = 2
_END_COLOUR: Final = "\x1b[0m"


class RequestFilter(logging.Filter):
    """Adds `request_id` and `module_name` of the request that the running task works for."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every record pass."""
        current = CURRENT.get()
        if current is not None:
            _add(record, "request_id", current.request_id)
            _add(record, "module_name", current.module)
        return True


def _add(record: logging.LogRecord, name: str, value: str | None) -> None:
    if value is not None and getattr(record, name, None) is None:
        setattr(record, name, value)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time` (RFC 3339, UTC), `level`, `logger`, `message`, then what is known."""

    def format(self, record: logging.LogRecord) -> str:
        """Gives the line without its end."""
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name, shown in (("event", "event"), ("module_name", "module"), ("request_id", "request_id")):
            value = getattr(record, name, None)
            if value is not None:
                line[shown] = value
        line.update({name: value for name, value in _extra(record).items() if name not in line})
        if trace := _trace(self, record):
            line["exception"] = trace
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """One line for the eye; further fields as `name=value`, a traceback below.

    Args:
        coloured: marks warnings and errors.
    """

    def __init__(self, *, coloured: bool) -> None:
        super().__init__()
        self._coloured = coloured

    def format(self, record: logging.LogRecord) -> str:
        """Gives the text without its end."""
        level = f"{record.levelname:<7}"
        if self._coloured and record.levelno in _COLOURS:
            level = _COLOURS[record.levelno] + level + _END_COLOUR
        known = {"module": getattr(record, "module_name", None), "request_id": getattr(record, "request_id", None)}
        fields = {name: value for name, value in {**known, **_extra(record)}.items() if value is not None}
        # A message may quote a caller: its line ends and escape sequences must not forge lines or colours.
        parts = [_time(record)[11:23], level, _printable(f"{record.name}: {record.getMessage()}")]
        parts += [_printable(f"{name}={value}") for name, value in fields.items()]
        text = " ".join(parts)
        trace = _trace(self, record)
        return f"{text}\n{trace}" if trace else text


class StderrHandler(logging.StreamHandler[TextIO]):
    """Writes lines and never troubles the host: what a full or closed pipe does not take is dropped and counted."""

    dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the record, or counts it as dropped where nobody reads."""
        if _would_block(self.stream):
            self.dropped += 1
            return
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - the name is the library's
        """Counts the record as dropped; the library's own way writes to the stream that just failed."""
        self.dropped += 1

    def close(self) -> None:
        """Stays: a module that calls `logging.basicConfig(force=True)` takes the handlers of the whole process away."""
        super().close()
        _put_first(self)


def set_up(
    *,
    level: Literal["debug", "info", "warning", "error"],
    layout: Literal["auto", "text", "json"],
    scrubber: Scrubber,
    stream: TextIO | None = None,
) -> logging.Handler:
    """Sends all log records to `stream` (stderr), scrubbed, and gives the handler.

    `auto` is text on a terminal, without colours where `NO_COLOR` is set, and JSON elsewhere. Calling it again
    replaces what an earlier call set up. The level is that of everything but the audit log, which is always written.
    """
    target = stream or sys.stderr or _nowhere()
    handler = StderrHandler(target)
    is_terminal = target.isatty()
    if layout == "json" or (layout == "auto" and not is_terminal):
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(TextFormatter(coloured=is_terminal and not os.environ.get("NO_COLOR")))
    handler.addFilter(RequestFilter())
    handler.addFilter(ScrubbingFilter(scrubber))
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, StderrHandler) or _is_basic(old)]:
        root.removeHandler(old)
    _put_first(handler)
    root.setLevel(level.upper())
    # Who did what is told at every level: it is no matter of how much an operator wants to read.
    logging.getLogger(AUDIT).setLevel(logging.INFO)
    if level == "debug":
        # Their debug lines are about every packet and every select; they would bury ours.
        logging.getLogger("asyncio").setLevel(logging.INFO)
    return handler


def _put_first(handler: logging.Handler) -> None:
    # It scrubs the record itself, so whatever a module has added writes no secret either.
    root = logging.getLogger()
    root.removeHandler(handler)
    root.handlers.insert(0, handler)


def _is_basic(handler: logging.Handler) -> bool:
    """True for what `logging.basicConfig` makes of a terminal: it would write each line once more, in another form."""
    return type(handler) is logging.StreamHandler and handler.stream in (sys.stderr, sys.stdout)


def _nowhere() -> TextIO:
    # Started with stderr closed: what takes its number instead might be a socket, and lines would go to a caller.
    while (number := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    return os.fdopen(number, "w")


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _extra(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD and name not in _OURS}


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str | None:
    # The scrubbing filter has turned the traceback into text and taken the exception away.
    if record.exc_text or not record.exc_info:
        return record.exc_text
    return formatter.formatException(record.exc_info)


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _would_block(stream: IO[str]) -> bool:
    try:
        number = stream.fileno()
        mode = os.fstat(number).st_mode
    except (OSError, ValueError):
        return False  # no file behind it (a test's buffer), or closed: writing will tell
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return False
    poll = select.poll()
    poll.register(number, select.POLLOUT)
    return not poll.poll(0)
