"""Reading a value out of a file, as Docker and Kubernetes hand secrets to a process."""

import stat
from pathlib import Path
from typing import Final, Literal

MAX_BYTES: Final = 65_536
"""More than any key or token; a larger file is a wrong path."""

Finding = tuple[str, Literal["error", "warning"]]


def read_secret_file(name: str | Path) -> tuple[str | None, Finding | None]:
    """Gives the text of a file without one trailing newline, and what is wrong with the file.

    The text is None where it cannot be used; a file that others can read gives the text and a warning.
    """
    path = Path(name)
    try:
        mode, text = _read(path)
    except OSError as error:
        return None, (
            f"the file {name} cannot be read ({error.strerror}): check path and permissions",
            "error",
        )
    except ValueError as error:
        return None, (f"the file {name} {error}", "error")
    if mode & (stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH) and not _is_mounted(path):
        return text, (f"the file {name} can be read by others: chmod 600 {name}", "warning")
    return text, None


def _read(path: Path) -> tuple[int, str]:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("is not a regular file: name the file that holds the value")
    if status.st_size > MAX_BYTES:
        raise ValueError(f"has more than {MAX_BYTES} bytes: is it the right one?")
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text: store the value as text") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise ValueError("is empty: write the value into it")
    return status.st_mode, text


def _is_mounted(path: Path) -> bool:
    """Container run-times mount secrets readable, inside a file system that is the container's own."""
    return path.is_relative_to("/run/secrets") or path.is_relative_to("/var/run/secrets")
