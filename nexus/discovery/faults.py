"""Runs a module's own code so that whatever it raises stays its own, told as a reason for an operator."""

import dis
import logging
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from nexus.discovery.importnames import ROOT
from nexus.spec.errors import InvalidDeclaration, NexusError
from nexus.spec.state import Reason

R = TypeVar("R")

_MAX_TEXT: Final = 300
"""Characters of a stranger's message that go into a reason; the log has the rest."""

IN_LOG: Final = "the log has the traceback"
"""How a reason ends whose message is not all there is to know."""

logger = logging.getLogger("nexus.discovery")


class ModuleFault(NexusError):
    """A module's code raised, or declares what cannot be served; `reason` says which."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.message)
        self.reason = reason


def run_guarded(call: Callable[[], R], *, module: str, doing: str, code: str, root: Path | None) -> R:
    """Gives what `call` gives; what it raises is logged with its traceback and comes out as a `ModuleFault`.

    Args:
        call: the module's code.
        module: its name, for the log.
        doing: what was running, as the subject of a sentence: `its import`, `hook nexus_routes`.
        code: the reason's code where the exception's kind has none of its own.
        root: the file or folder of the module's own code, to name the line at fault.

    Raises:
        ModuleFault: whatever `call` raised, `SystemExit` included.
        KeyboardInterrupt: the user's own, never one that the module's code raises.
    """
    try:
        return call()
    except ModuleFault:
        raise
    except BaseException as error:
        if _is_interrupt(error):
            raise
        reason = _tell(error, doing=doing, code=code, root=root)
        logger.error(
            "module %s: %s failed: %s",
            module,
            doing,
            reason.message,
            exc_info=error,
            extra={"event": "discovery.module.failed", "module_name": module, "reason": reason.code},
        )
    raise ModuleFault(reason)  # outside of the handler: the stranger's frames must not live on as its context


def _is_interrupt(error: BaseException) -> bool:
    """A signal interrupts between any two instructions; a module that raises the error itself stands at a `raise`."""
    if not isinstance(error, KeyboardInterrupt) or error.__traceback__ is None:
        return False
    last = error.__traceback__
    while last.tb_next is not None:
        last = last.tb_next
    raising = dis.opmap["RAISE_VARARGS"]
    return last.tb_frame.f_code.co_code[last.tb_lasti] != raising


def _tell(error: BaseException, *, doing: str, code: str, root: Path | None) -> Reason:
    line = _own_line(error, root)
    at = f" ({line})" if line else ""
    match error:
        case SystemExit():
            status = _text(error)
            return Reason("exited", f"{doing} calls sys.exit({status}){at}: take the call out of the module")
        case SyntaxError() if error.filename is not None:
            where = _shown(error.filename, error.lineno, root) or f"{error.filename}:{error.lineno}"
            return Reason("syntax_error", f"{where}: {_clip(str(error.msg))}: correct the line")
        case ModuleNotFoundError(name=str(missing)):
            return Reason("missing_dependency", f"no module named '{missing}'{at}: {_remedy(missing)}")
        case InvalidDeclaration():
            return Reason("invalid_declaration", f"{_text(error)}{at}")
    told = ": ".join(part for part in (type(error).__name__, _text(error)) if part)
    return Reason(code, f"{doing} raised {told}{at}; {IN_LOG}")


def _remedy(missing: str) -> str:
    top = missing.partition(".")[0]
    if top == ROOT:
        return "write the file, or correct the name (modules do not import one another)"
    return f"install what provides it into the environment that Nexus runs in, most often: pip install {top}"


def _text(error: BaseException) -> str:
    try:
        return _clip(str(error))
    except BaseException:  # noqa: BLE001 - the message, too, is the stranger's code
        return "its message cannot be shown"


def _clip(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_TEXT else f"{line[:_MAX_TEXT]}…"


def _own_line(error: BaseException, root: Path | None) -> str | None:
    """The innermost line in the module's own code: where its author has to look."""
    lines = (_shown(frame.f_code.co_filename, line, root) for frame, line in traceback.walk_tb(error.__traceback__))
    return next((line for line in reversed(list(lines)) if line), None)


def _shown(file: str, line: int | None, root: Path | None) -> str | None:
    if root is None or not (file == str(root) or file.startswith(f"{root}{os.sep}")):
        return None
    return f"{Path(file).relative_to(root.parent)}:{line}"
