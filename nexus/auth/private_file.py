"""Files that only the process's owner may read: written whole or not at all, read only where nobody else can write.

All functions block; on the loop they belong into a thread.
"""

import contextlib
import os
import secrets
import stat
from pathlib import Path

from nexus.spec.errors import NexusError

MODE = 0o600
DIRECTORY_MODE = 0o700


class UnsafeFile(NexusError):
    """A file that others could have read or written, or that is no regular file."""


def read_private(path: Path, *, max_bytes: int) -> bytes | None:
    """The content, or None where there is no such file.

    Raises:
        UnsafeFile: a link, not regular, of another owner, open to group or others, or too large.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnsafeFile(
            f"{path} cannot be opened ({error.strerror}), it must be a regular file of mode 0600"
        ) from None
    try:
        _check(path, os.fstat(descriptor), max_bytes)
        # The checked descriptor is read, not the name a second time.
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(max_bytes + 1)
    finally:
        os.close(descriptor)


def _check(path: Path, facts: os.stat_result, max_bytes: int) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise UnsafeFile(f"{path} is not a regular file, remove it")
    if facts.st_uid != os.geteuid():
        raise UnsafeFile(f"{path} belongs to another user, remove it or run as its owner")
    if facts.st_mode & 0o077:
        raise UnsafeFile(
            f"{path} has mode {stat.S_IMODE(facts.st_mode):04o} where 0600 is needed, so others may know its content:"
            " remove it"
        )
    if facts.st_size > max_bytes:
        raise UnsafeFile(f"{path} is larger than {max_bytes} bytes, remove it")


def create_private(path: Path, content: bytes) -> bool:
    """True where the file was made; False where another process was first, whose file is untouched.

    Raises:
        OSError: the folder cannot be written.
    """
    temporary = _write_temporary(path, content)
    try:
        # A rename would replace what another process made meanwhile; a link fails, and the content is complete.
        os.link(temporary, path, follow_symlinks=False)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def replace_private(path: Path, content: bytes) -> None:
    """Puts the content in the place of what was there, in one step.

    Raises:
        OSError: the folder cannot be written.
    """
    temporary = _write_temporary(path, content)
    try:
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def ensure_private_directory(path: Path) -> None:
    """Makes the folder and those above it, readable by their owner only, where they are not there yet."""
    if not path.parent.exists():
        ensure_private_directory(path.parent)
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=DIRECTORY_MODE)


def _write_temporary(path: Path, content: bytes) -> Path:
    ensure_private_directory(path.parent)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - the descriptor of the file that was just made
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        temporary.unlink()
        raise
    return temporary
