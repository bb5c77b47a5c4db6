"""The guard: the one place where a request is let through, and outermost after the shell.

It reads the access that the resolved route declares. A route without policy, an unknown path and a known path under
another method are protected too, so nothing shows before the caller is known. The body is not read here, and the client
learns one fixed text per code; the exact reason is in the log, bounded in rate, and in the counters.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web

from nexus.auth.allowance import Allowance
from nexus.auth.audit import AuditLog, Decision
from nexus.auth.bearer import is_token_elsewhere, read_bearer
from nexus.auth.refusal import Code, KeysUnavailable, Reason, Refusal
from nexus.auth.refusal_answers import RefusalAnswers
from nexus.auth.unforeseen import log_unforeseen
from nexus.http.bound_route import BoundRoute
from nexus.http.keys import INFLIGHT, PRINCIPAL, REQUEST_ID
from nexus.spec.access import PROTECTED
from nexus.spec.errors import Problem
from nexus.spec.principal import Principal

if TYPE_CHECKING:
    # What reads tokens and verifies them is loaded once the socket listens.
    from nexus.auth.authenticator import Authenticator
    from nexus.auth.compact import Compact

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

NOT_READY_RETRY_AFTER: Final = 1
"""Seconds; the guard is without an authenticator only while the host starts, and where that fails."""

_PROBE_PATIENCE: Final = 0.5
"""Seconds that a probe waits for an issuer's keys: who asks it must not take a slow issuer for a dead host."""

_MAX_PATH: Final = 200
"""Characters of a path in the audit log."""

_USUAL: Final = ("Bearer ", "bearer ")
"""The spellings of the scheme that clients use; any other is taken, too (RFC 9110, section 11.1)."""

_log = logging.getLogger("nexus.auth")


class Guard:
    """Decides every request.

    Args:
        resource_metadata: address of the document of RFC 9728, told in challenges.
        audit: where decisions on the introspection API are written.
        refusals: how many refusals of other requests are logged.
    """

    def __init__(self, *, resource_metadata: str, audit: AuditLog, refusals: Allowance) -> None:
        self._answers = RefusalAnswers(resource_metadata)
        self._audit = audit
        self._refusals = refusals
        self._authenticator: Authenticator | None = None

    def attach(self, authenticator: "Authenticator") -> None:
        """Gives the guard what verifies tokens; until then every protected request is answered 503."""
        self._authenticator = authenticator

    @property
    def middleware(self) -> Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]:
        """The aiohttp middleware; it stands directly behind the shell."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            route = request.match_info.route
            if isinstance(route, BoundRoute):
                access, is_introspection = route.access or PROTECTED, route.module is None
            else:
                access, is_introspection = PROTECTED, False
            if access.is_public:
                return await handler(request)
            caller = self._read(request)
            # Short for most requests: a token that comes again, to a route whose use nobody writes down.
            if type(caller) is not Principal or is_introspection or not access.permissions <= caller.permissions:
                if isinstance(caller, Refusal):
                    return self._refuse(request, caller, access.permissions)
                if isinstance(caller, Principal):
                    admitted = self._permit(request, caller, access.permissions)
                else:
                    admitted = await self._admit(request, caller, access.permissions)
                if not isinstance(admitted, Principal):
                    return admitted
                caller = admitted
            request[PRINCIPAL] = caller
            request[INFLIGHT].expires_at = caller.expires_at
            return await handler(request)

        return guard

    async def allows(self, request: web.Request, permission: str) -> bool:
        """Tells whether a request to a public route carries a token with `permission`; never refuses it.

        A probe shows its details by this; a bad token there is as good as none, and so is one whose keys are still
        waited for.
        """
        if hdrs.AUTHORIZATION not in request.headers:
            return False
        try:
            read = self._read(request)
            async with asyncio.timeout(_PROBE_PATIENCE):
                principal = read if isinstance(read, Principal | Refusal) else await self._verify(read)
        except (Refusal, KeysUnavailable, TimeoutError):
            return False
        return isinstance(principal, Principal) and principal.has(permission)

    async def _admit(
        self, request: web.Request, token: "Compact", permissions: frozenset[str]
    ) -> Principal | web.Response:
        """Who asks, or the answer to whom may not."""
        try:
            principal = await self._verify(token)
        except Refusal as refusal:
            return self._refuse(request, refusal, permissions)
        except KeysUnavailable as unavailable:
            self._record(request, unavailable, None)
            raise _unavailable(unavailable.retry_after) from None
        return self._permit(request, principal, permissions)

    def _permit(
        self, request: web.Request, principal: Principal, permissions: frozenset[str]
    ) -> Principal | web.Response:
        if not permissions <= principal.permissions:
            self._count(Reason.LACKS_PERMISSION)
            lacking = Refusal(Reason.LACKS_PERMISSION, code=Code.INSUFFICIENT_SCOPE)
            return self._refuse(request, lacking, permissions, principal)
        if _is_introspection(request):
            self._audit.record(_decision(request, principal))
        return principal

    def _refuse(
        self, request: web.Request, refusal: Refusal, permissions: frozenset[str], principal: Principal | None = None
    ) -> web.Response:
        self._record(request, refusal, principal)
        return self._answers.answer(refusal.code, permissions, request[REQUEST_ID])

    def _read(self, request: web.Request) -> "Principal | Compact | Refusal":
        """The caller, where the token is remembered, else the token in its parts, or why there is none."""
        authenticator = self._authenticator
        if authenticator is None:
            raise _unavailable(NOT_READY_RETRY_AFTER)
        try:
            values = request.headers.getall(hdrs.AUTHORIZATION, ())
            is_elsewhere = bool(values) and is_token_elsewhere(request)
            # The form of a token that comes again is not looked at: only the very same text is remembered, and what has
            # no dot never was. Who spells the scheme in an odd way is verified each time.
            if len(values) == 1 and not is_elsewhere and "." in values[0] and values[0].startswith(_USUAL):
                principal = authenticator.cached(values[0][7:])
                if principal is not None:
                    return principal
            token = read_bearer(values, is_elsewhere=is_elsewhere)
            if isinstance(token, str):
                return authenticator.read(token)
            self._count(token.reason)
        except Exception as error:  # noqa: BLE001 - as in `_verify`
            return self._unforeseen(error)
        return token

    async def _verify(self, token: "Compact") -> Principal:
        assert self._authenticator is not None
        try:
            return await self._authenticator.verify(token)
        except (Refusal, KeysUnavailable):
            raise
        except Exception as error:  # noqa: BLE001 - the last line before a stranger passes
            raise self._unforeseen(error) from None

    def _unforeseen(self, error: Exception) -> Refusal:
        # Whatever goes wrong in verifying is a refusal: nothing passes, and nothing is told.
        log_unforeseen(_log, error)
        self._count(Reason.INTERNAL)
        return Refusal(Reason.INTERNAL)

    def _count(self, reason: Reason) -> None:
        try:
            if self._authenticator is not None:
                self._authenticator.counters.refuse(reason)
        except Exception as error:  # noqa: BLE001 - counting must not change what is answered
            log_unforeseen(_log, error)

    def _record(self, request: web.Request, why: Refusal | KeysUnavailable, principal: Principal | None) -> None:
        if _is_introspection(request):
            self._audit.record_refusal(lambda: _decision(request, principal, why))
        elif self._refusals.take():
            reason = why.reason if isinstance(why, Refusal) else "keys_unavailable"
            told = {"event": "auth.refused", "reason": reason, "suppressed": self._refusals.left_out()}
            _log.info("refused", extra=told)


def _unavailable(retry_after: int) -> Problem:
    return Problem(
        503,
        "Whether the token is good cannot be decided now",
        headers={"Retry-After": str(retry_after), "Cache-Control": "no-store"},
    )


def _is_introspection(request: web.Request) -> bool:
    """True for the host's own protected routes; those of modules are theirs to log."""
    route = request.match_info.route
    return isinstance(route, BoundRoute) and route.module is None


def _decision(
    request: web.Request, principal: Principal | None, why: Refusal | KeysUnavailable | None = None
) -> Decision:
    reading = request.method in {hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS}
    # The raw path, cut: an unknown path is the caller's text, and a known one tells which module was asked about.
    return Decision(
        action="api.read" if reading else "api.write",
        target=f"{request.method} {_shortened(request.rel_url.raw_path)}",
        decision="allowed" if why is None else "refused" if isinstance(why, Refusal) else "unavailable",
        reason=why.reason if isinstance(why, Refusal) else None,
        request_id=request[REQUEST_ID],
        principal=principal,
    )


def _shortened(path: str) -> str:
    # The mark tells the scrubber that what stands before it may be the beginning of a secret.
    return path if len(path) <= _MAX_PATH else f"{path[:_MAX_PATH]}…"
