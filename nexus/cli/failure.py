"""How a command ends: the exit codes that scripts rely on, and the error that carries one."""

from enum import IntEnum

from nexus.spec.errors import NexusError


class ExitCode(IntEnum):
    """What a command's end means."""

    OK = 0
    FAILED = 1
    """It was done and the answer is bad: unhealthy, refused, a bug."""
    USAGE = 2
    """The command line, or the environment that completes it, is wrong."""
    CONFIG = 3
    """The configuration is invalid."""
    NOT_FOUND = 4
    NOT_AUTHORISED = 5
    UNREACHABLE = 6
    INTERRUPTED = 130


class Failed(NexusError):
    """Ends a command with one sentence on stderr and an exit code."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.code = code
