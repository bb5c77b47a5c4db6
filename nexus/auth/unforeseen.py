"""How an exception that a token caused is logged: by its kind and place, since its message may quote the token."""

import logging
import traceback


def log_unforeseen(log: logging.Logger, error: Exception) -> None:
    """Logs that a token was refused because of `error`; never its message, its arguments or its causes."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown"
    log.error(
        "a token was refused for an unforeseen reason",
        extra={"event": "auth.internal", "error": type(error).__name__, "place": place},
    )
