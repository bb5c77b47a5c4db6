"""The local issuer as the commands use it: its key in the state directory, its troubles in one sentence."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from nexus.auth.local_issuer import LocalIssuer
from nexus.cli.failure import Failed
from nexus.config.loading import Loaded
from nexus.config.state_dir import VARIABLE, ensure, state_directory


def state_dir(loaded: Loaded) -> Path:
    """Gives the state directory, made where it is not there.

    Raises:
        StateDirectoryUnusable: it cannot be made.
    """
    return ensure(state_directory(loaded, os.environ))


def open_local_issuer(loaded: Loaded) -> LocalIssuer:
    """Gives the local issuer, whose key is made at first use.

    Raises:
        NexusError: the state directory or the key in it cannot be used.
    """
    with state_kept():
        return LocalIssuer.open(state_dir(loaded))


@contextlib.contextmanager
def state_kept() -> Iterator[None]:
    """Turns what the system says of the state directory into a sentence with a remedy.

    Raises:
        Failed: something in it cannot be written or read.
    """
    try:
        yield
    except OSError as error:
        raise Failed(
            f"the state directory cannot be used ({(error.strerror or 'no reason given').lower()}): make it writable,"
            f" or set {VARIABLE} to a place that is"
        ) from None
