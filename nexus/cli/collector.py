"""Keeps Python's garbage collector from looking through what a start loads, which stays until the end.

Nearly everything that is made while code is imported is there for good; the collector, which looks at all of it again
and again meanwhile, would take a tenth of the start.
"""

import gc
from typing import Final

_USUAL: Final = gc.get_threshold()
_WHILE_LOADING: Final = 100_000
"""Objects more than before, after which it looks all the same: a command that runs on and on leaks nothing."""


def rest_while_loading() -> None:
    """Lets the collector look seldom, for a command that is about to load what it needs."""
    gc.set_threshold(_WHILE_LOADING, *_USUAL[1:])


def resume() -> None:
    """Lets the collector look as usual again, and never at what is there now."""
    gc.freeze()
    gc.set_threshold(*_USUAL)
