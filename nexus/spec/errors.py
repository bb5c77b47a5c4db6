"""Errors that authors raise or catch; every other error of Nexus derives from `NexusError` too.

A message is one sentence, lower-case, without a full stop: what is wrong and what to do.
"""

from collections.abc import Mapping


class NexusError(Exception):
    """Root of all errors that Nexus raises on purpose; anything else is a bug."""


class InvalidDeclaration(NexusError):
    """A module declares something that cannot be served: a bad name, path, type or a clash."""


class NotReady(NexusError):
    """Raised by a module's start-up when what it needs is not there yet; the host tries again.

    The host retries after 5, 10, 20, 40 and then every 80 seconds, with jitter.
    """


class AuthFailed(NexusError):
    """Raised by a module's start-up when its credentials were refused; not retried until reload."""


class ConfigError(NexusError):
    """Raised by a module's start-up when its settings are typed well but wrong in fact; not retried until reload."""


class Problem(NexusError):
    """An answer other than success, sent as `application/problem+json` (RFC 9457).

    Args:
        status: HTTP status code, 400 to 599.
        detail: one sentence for the caller; never a secret.
        title: short and the same for every problem of this kind; default is the status' phrase.
        headers: further header fields of the answer.
        extensions: further members of the problem document (RFC 9457, section 3.2).

    Raises:
        ValueError: `status` is not an error status.
    """

    def __init__(
        self,
        status: int,
        detail: str = "",
        *,
        title: str | None = None,
        headers: Mapping[str, str] | None = None,
        **extensions: object,
    ) -> None:
        if not 400 <= status <= 599:
            raise ValueError(f"a problem needs a status from 400 to 599, not {status}")
        super().__init__(detail or title or str(status))
        self.status = status
        self.detail = detail
        self.title = title
        self.headers = dict(headers or {})
        self.extensions = extensions
