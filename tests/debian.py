"""Programs from Debian, as `./scripts/test` unpacks them below `.venv`: with the libraries that the system lacks."""

import shutil
from pathlib import Path
from typing import Final

UNPACKED: Final = Path(__file__).parent.parent / ".venv" / "debian"


def program(name: str) -> str | None:
    """Path of the unpacked program, else of the system's; None where there is neither."""
    unpacked = UNPACKED / "usr/bin" / name
    return str(unpacked) if unpacked.exists() else shutil.which(name)


def environment() -> dict[str, str]:
    """What an unpacked program finds its libraries through."""
    folders = [path for pattern in ("usr/lib/*-linux-gnu", "lib/*-linux-gnu") for path in UNPACKED.glob(pattern)]
    return {"LD_LIBRARY_PATH": ":".join(str(folder) for folder in folders)}
