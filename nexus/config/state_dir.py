"""Where local state lies: keys of this installation, and the embedded store."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from nexus.config.loading import Loaded
from nexus.spec.errors import NexusError

VARIABLE: Final = "NEXUS_STATE_DIR"
DIRECTORY: Final = ".nexus"


class StateDirectoryUnusable(NexusError):
    """The directory of local state cannot be made or entered."""


def state_directory(loaded: Loaded, environ: Mapping[str, str]) -> Path:
    """Gives `NEXUS_STATE_DIR`, else `.nexus` beside the configuration file; it need not be there yet."""
    named = environ.get(VARIABLE)
    return Path(named) if named else loaded.directory / DIRECTORY


def ensure(directory: Path) -> Path:
    """Makes the directory for its owner alone where it is not there.

    Raises:
        StateDirectoryUnusable: it cannot be made, or is no directory.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateDirectoryUnusable(
            f"the state directory {directory} cannot be made ({error.strerror}): set {VARIABLE} to a writable place"
        ) from error
    return directory
