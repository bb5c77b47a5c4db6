"""Why a module's start failed, told as a sentence an operator can act on."""

from typing import Final

from nexus.discovery.faults import IN_LOG, ModuleFault
from nexus.host.leash import ModuleExit
from nexus.spec.errors import AuthFailed, ConfigError, InvalidDeclaration, NexusError, NotReady
from nexus.spec.state import Reason

_MAX_TEXT: Final = 500
"""Characters of a stranger's message that go into a reason; the log has the rest."""


class StartFailed(NexusError):
    """A start came to nothing without an exception of the module's; `code` is the reason's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def text_of(error: BaseException) -> str:
    """Gives an exception's message on one line, cut where it is long; also where showing it raises."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - the message, too, is a stranger's code
        return "its message cannot be shown"
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"


def named(error: BaseException) -> str:
    """Gives an exception as its type and message."""
    text = text_of(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def innermost(error: BaseException) -> BaseException:
    """Gives the one exception inside of groups of one, as task groups wrap them; else the error itself."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def is_not_ready(error: BaseException) -> bool:
    """True where another attempt may succeed: `NotReady`, also in a group that holds nothing else."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(NotReady)[1] is None
    return isinstance(error, NotReady)


def start_failure(error: BaseException) -> Reason:
    """Gives the reason of a start that raised `error`."""
    error = innermost(error)
    told = text_of(error) or "it does not say why"
    if is_not_ready(error):
        return Reason("not_ready", f"it is not ready: {told}")
    match error:
        case ModuleFault():
            reason = error.reason
        case StartFailed():
            reason = Reason(error.code, told)
        case ModuleExit():
            reason = Reason("exited", f"its start-up {told}: take the call out of the module")
        case InvalidDeclaration():
            reason = Reason("invalid_declaration", told)
        case AuthFailed():
            reason = Reason("auth_failed", f"its credentials were refused: {told}; correct them and reload")
        case ConfigError():
            reason = Reason("config_error", f"its settings are wrong in fact: {told}; correct them and reload")
        case _:
            reason = Reason("startup_error", f"its start-up raised {named(error)}; {IN_LOG}")
    return reason


def task_failure(task: str, error: BaseException) -> Reason:
    """Gives the reason of a module whose background task `task` raised `error`."""
    return Reason("task_failed", f"its background task {task!r} raised {named(innermost(error))}; reload to restart it")


def lifespan_ended(error: BaseException) -> Reason:
    """Gives the reason of a module whose lifespan ended while it served."""
    if isinstance(error, StartFailed):
        return Reason("lifespan_ended", text_of(error))
    return Reason("lifespan_ended", f"its lifespan raised {named(innermost(error))}; {IN_LOG}")
