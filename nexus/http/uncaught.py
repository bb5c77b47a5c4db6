"""What Python would write to stderr by itself, sent through the log instead, where it is scrubbed and one line each."""

import contextlib
import logging
import sys
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Final

_log: Final = logging.getLogger("nexus.uncaught")


@contextlib.contextmanager
def uncaught_logged() -> Iterator[None]:
    """Logs warnings, and what nobody catches in a thread or in a finaliser.

    A module's code causes all of these, and their text may quote a secret. What ends the process is logged from then
    on, too: that happens after the block was left.
    """
    thread_hook, unraisable_hook = threading.excepthook, sys.unraisablehook
    threading.excepthook, sys.unraisablehook = _of_thread, _unraisable
    sys.excepthook = _of_process
    logging.captureWarnings(capture=True)
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        threading.excepthook, sys.unraisablehook = thread_hook, unraisable_hook


def _of_thread(raised: threading.ExceptHookArgs) -> None:
    if raised.exc_type is SystemExit:
        return
    name = raised.thread.name if raised.thread is not None else "of an unknown name"
    _log.error("thread %s failed", name, exc_info=raised.exc_value, extra={"event": "thread.failed"})


def _unraisable(raised: "sys.UnraisableHookArgs") -> None:
    # The object's name and not the object: showing it would keep it alive, or run its code.
    message, kind = raised.err_msg or "an exception was ignored in", type(raised.object).__name__
    _log.error("%s: %s", message, kind, exc_info=raised.exc_value, extra={"event": "exception.ignored"})


def _of_process(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        _log.critical("the process ends: %s", kind.__name__, exc_info=error, extra={"event": "process.failed"})
