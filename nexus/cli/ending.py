"""Ends the process although threads go on: Python waits for them, and a thread may wait for a store that is away."""

import os
import sys
import threading
import time
from contextlib import suppress
from typing import Final

_LAST_THREADS: Final = 3.0
"""Seconds that threads get once the host has stopped; more than a query takes that was under way."""


def end_by_itself_or_soon(code: int) -> None:
    """Sees to it that the process ends within seconds from now, with `code` where it has to be made to."""
    threading.Thread(target=_end, args=(code,), name="nexus-end", daemon=True).start()


def _end(code: int) -> None:
    time.sleep(_LAST_THREADS)  # a process that ends by itself takes this thread with it
    with suppress(OSError):
        os.write(2, b"a thread goes on, and is left: what it waits for does not answer\n")
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
