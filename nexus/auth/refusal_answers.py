"""The answers to refused requests, written out beforehand: a flood of bad tokens must cost less than good ones do.

They are problem documents (RFC 9457) like those of the shell; only the request's id differs from answer to answer, and
an id is made of characters that JSON does not escape.
"""

import json
from functools import lru_cache
from typing import Final

from aiohttp import web

from nexus.auth.challenge import DESCRIPTION_BY_CODE, STATUS_BY_CODE, challenge
from nexus.auth.refusal import Code
from nexus.http.canned_answer import Canned, CannedAnswer
from nexus.http.problem import CONTENT_TYPE, phrase

_ID: Final = "request-id"
_KEPT: Final = 256
"""Answers kept, one for each set of permissions that routes ask for."""


class RefusalAnswers:
    """Makes the answers of one host.

    Args:
        resource_metadata: address of the document of RFC 9728, told in challenges.
    """

    def __init__(self, resource_metadata: str) -> None:
        self._resource_metadata = resource_metadata
        self._canned = {code: self._can(code, frozenset()) for code in Code}
        self._lacking = lru_cache(_KEPT)(self._can)

    def answer(self, code: Code, permissions: frozenset[str], request_id: str) -> CannedAnswer:
        """Gives the answer; `permissions` are what the route asks for."""
        # Only one code tells the permissions, so that all others share an answer.
        is_lacking = code is Code.INSUFFICIENT_SCOPE
        return CannedAnswer(self._lacking(code, permissions) if is_lacking else self._canned[code], request_id)

    def _can(self, code: Code, permissions: frozenset[str]) -> Canned:
        status = STATUS_BY_CODE[code]
        document = {
            "type": "about:blank",
            "title": phrase(status),
            "status": status,
            "detail": DESCRIPTION_BY_CODE[code],
            "request_id": _ID,
        }
        before, _, after = json.dumps(document).rpartition(_ID)
        headers = {
            "WWW-Authenticate": challenge(code, resource_metadata=self._resource_metadata, permissions=permissions),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Type": CONTENT_TYPE,
        }
        return Canned(web.Response(status=status, headers=headers), before, after)
