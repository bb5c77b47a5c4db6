"""Values of WWW-Authenticate (RFC 6750, section 3; RFC 9728, section 5.1): one text per code, whatever the reason."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from nexus.auth.refusal import Code

REALM = "nexus"
STATUS_BY_CODE: Mapping[Code, int] = MappingProxyType(
    {
        Code.MISSING: 401,
        Code.INVALID_TOKEN: 401,
        Code.INSUFFICIENT_SCOPE: 403,
        Code.INVALID_REQUEST: 400,
    }
)
DESCRIPTION_BY_CODE: Mapping[Code, str] = MappingProxyType(
    {
        Code.MISSING: "A bearer token is needed",
        Code.INVALID_TOKEN: "The access token is not valid",
        Code.INSUFFICIENT_SCOPE: "The access token lacks a permission",
        Code.INVALID_REQUEST: "The request must have exactly one well-formed bearer token, in the Authorization header",
    }
)

# RFC 6749, section 3.3: a scope token has no space, quote or backslash.
_NOT_SCOPE = re.compile(r"[^\x21\x23-\x5b\x5d-\x7e]")
_NOT_QUOTABLE = re.compile(r"[^\x20-\x7e]")


def challenge(code: Code, *, resource_metadata: str | None = None, permissions: Iterable[str] = ()) -> str:
    """The value for an answer with that code: printable ASCII, whatever the arguments hold.

    Args:
        code: what went wrong; `MISSING` gives a challenge without an error (RFC 6750, section 3.1).
        resource_metadata: address of the document of RFC 9728.
        permissions: what the route asks for; told where they are lacking.
    """
    parameters = {"realm": REALM}
    if code is not Code.MISSING:
        parameters["error"] = code.value
        parameters["error_description"] = DESCRIPTION_BY_CODE[code]
    if code is Code.INSUFFICIENT_SCOPE:
        parameters["scope"] = " ".join(sorted(_NOT_SCOPE.sub("?", name) for name in permissions))
    if resource_metadata is not None:
        parameters["resource_metadata"] = resource_metadata
    return "Bearer " + ", ".join(f"{name}={_quoted(value)}" for name, value in parameters.items())


def _quoted(value: str) -> str:
    """A quoted-string (RFC 9110, section 5.6.4)."""
    escaped = _NOT_QUOTABLE.sub("?", value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
