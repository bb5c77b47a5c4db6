"""From header fields to exactly one bearer token (RFC 6750, section 2.1; RFC 9110, section 11.6.2)."""

import re
from collections.abc import Sequence

from aiohttp import hdrs, web
from multidict import istr

from nexus.auth.refusal import Code, Reason, Refusal

_CREDENTIALS = re.compile(r"bearer ([A-Za-z0-9\-._~+/]++=*+)", re.ASCII | re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+(?: [\x21-\x7e \t]*)?", re.ASCII)
_X_ACCESS_TOKEN = istr("X-Access-Token")
_COOKIE = re.compile(r"(?:^|[;,])\s*access_token\s*=", re.ASCII | re.IGNORECASE)


def read_bearer(authorization: Sequence[str], *, is_elsewhere: bool = False) -> str | Refusal:
    """The token of a request, or why there is none: returned, since raising costs more than all this, and floods come.

    Args:
        authorization: all values of the Authorization header, as received; may hold lone surrogates.
        is_elsewhere: whether the request also carries what looks like a token where none is read: query, form, cookie,
            another header. Alone that is no credential; beside the header it makes two.

    Returns:
        A refusal where there is no bearer credential (`missing`), more than one, or a malformed one
        (`invalid_request`).
    """
    if not authorization:
        return Refusal(Reason.NO_CREDENTIAL, code=Code.MISSING)
    if len(authorization) > 1 or is_elsewhere:
        return Refusal(Reason.SEVERAL_CREDENTIALS, code=Code.INVALID_REQUEST)
    value = authorization[0]
    match = _CREDENTIALS.fullmatch(value)
    if match is not None:
        return match.group(1)
    # A scheme that only begins like ours is a typing error that deserves to be told, not another scheme.
    if value[:6].lower() != "bearer" and _OTHER_SCHEME.fullmatch(value):
        return Refusal(Reason.NO_CREDENTIAL, "another scheme", code=Code.MISSING)
    return Refusal(Reason.MALFORMED_CREDENTIAL, code=Code.INVALID_REQUEST)


def is_token_elsewhere(request: web.Request) -> bool:
    """True where the query (RFC 6750, section 2.3), a cookie or another header holds what looks like a token.

    A form body is not looked at: nothing of a body is read before the caller is known.
    """
    headers = request.headers
    if _X_ACCESS_TOKEN in headers:
        return True
    if hdrs.COOKIE in headers and any(_COOKIE.search(value) for value in headers.getall(hdrs.COOKIE)):
        return True
    return bool(request.rel_url.raw_query_string) and "access_token" in request.query
