"""A running host under attack, and the one judge of what it answers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from nexus.testing.issuer import Issuer
from nexus.testing.running_host import RunningHost

from .watch import OUTBOUND, Log, leak
from .wire import Reply, converse, head, parse
from .witness import Witness

METADATA = "http://localhost:3001/.well-known/oauth-protected-resource"
MALFORMED = "The request must have exactly one well-formed bearer token, in the Authorization header"

# To the letter: RFC 6750, section 3; RFC 9728, section 5.1. Written out, so that no code of the host's decides on it.
CHALLENGES = {
    "missing": f'Bearer realm="nexus", resource_metadata="{METADATA}"',
    "invalid_token": (
        'Bearer realm="nexus", error="invalid_token", error_description="The access token is not valid",'
        f' resource_metadata="{METADATA}"'
    ),
    "invalid_request": (
        f'Bearer realm="nexus", error="invalid_request", error_description="{MALFORMED}",'
        f' resource_metadata="{METADATA}"'
    ),
    "insufficient_scope": (
        'Bearer realm="nexus", error="insufficient_scope", error_description="The access token lacks a permission",'
        f' scope="admin", resource_metadata="{METADATA}"'
    ),
}
STATUSES = {
    "missing": 401,
    "invalid_token": 401,
    "invalid_request": 400,
    "insufficient_scope": 403,
    "unavailable": 503,
    "not_http": 400,
}
DETAILS = {
    "missing": "A bearer token is needed",
    "invalid_token": "The access token is not valid",
    "invalid_request": MALFORMED,
    "insufficient_scope": "The access token lacks a permission",
    "unavailable": "Whether the token is good cannot be decided now",
    "not_http": (
        "the request is malformed, or its head exceeds 'global.server.max_line_bytes' or"
        " 'global.server.max_header_bytes'"
    ),
}

TARGETS = ("/m/witness/secret", "/api/version")
"""A module's route and one of the introspection API; both need the permission `admin`."""


@dataclass
class Stage:
    """Everything that one attack can touch.

    Attributes:
        host: serves the witness.
        issuer: of its tokens.
        witness: counts what reached a handler.
        log: what was logged.
    """

    host: RunningHost
    issuer: Issuer
    witness: Witness
    log: Log

    @property
    def origin(self) -> str:
        return self.host.url

    async def send(self, request: bytes) -> Reply:
        raw = await converse(self.origin, request)
        assert raw, "the connection was closed without an answer"
        return parse(raw)

    async def get(self, target: str, *fields: tuple[str, str | bytes], method: str = "GET") -> Reply:
        return await self.send(head(target, *fields, method=method))

    async def with_token(self, token: str, target: str = TARGETS[0]) -> Reply:
        return await self.get(target, ("Authorization", f"Bearer {token}"))

    async def refuses(
        self,
        request: bytes | Callable[[str], bytes],
        code: str,
        *reasons: str,
        secret: str | bytes = "",
        targets: tuple[str, ...] = TARGETS,
        fetches: bool = False,
    ) -> None:
        """Sends the request to each target and judges everything about the refusal.

        Args:
            request: the bytes, or what makes them of a target.
            code: of the answer, a key of `STATUSES`.
            reasons: one of them stands in the line of the log.
            secret: what must not be found again anywhere; the token as a rule.
            targets: where to.
            fetches: whether asking the issuer is allowed.
        """
        for target in targets:
            sent = request if isinstance(request, bytes) else request(target)
            with self.untouched(secret, fetches=fetches):
                reply = await self.send(sent)
            self.judge(reply, code, secret)
            self.judge_log(reply, target, code, reasons)

    @contextmanager
    def untouched(self, secret: str | bytes = "", *, fetches: bool = False) -> Iterator[None]:
        """Judges what is sent meanwhile: no handler is called, nobody is asked, nothing of the secret is logged."""
        self.log.clear()
        calls, requests = len(self.witness.calls), len(self.issuer.requests)
        with OUTBOUND.watched() as connections:
            yield
        assert len(self.witness.calls) == calls, "the handler was called"
        if not fetches:
            assert len(self.issuer.requests) == requests, "the issuer was asked"
            own = str(self.host.url.rsplit(":", 1)[1].split("/")[0])
            assert [seen for seen in connections if own not in seen] == []
        assert "Traceback" not in self.log.text
        if len(secret) >= 12:
            assert leak(secret, self.log.text) is None

    def judge(self, reply: Reply, code: str, secret: str | bytes = "") -> None:
        status = STATUSES[code]
        assert reply.status == status, reply
        assert reply.all("WWW-Authenticate") == ([CHALLENGES[code]] if code in CHALLENGES else [])
        assert bool(reply.all("Retry-After")) == (code == "unavailable")
        assert reply.one("Content-Type").startswith("application/problem+json")
        assert reply.one("Cache-Control") == "no-store"
        document = reply.json()
        assert set(document) == {"type", "title", "status", "detail", "request_id"}
        assert (document["status"], document["detail"]) == (status, DETAILS[code])
        assert document["request_id"] == reply.one("X-Request-ID")
        if len(secret) >= 12:
            assert leak(secret, reply.raw.decode("latin-1")) is None

    def judge_log(self, reply: Reply, target: str, code: str, reasons: tuple[str, ...]) -> None:
        lines = [*self.log.events("audit"), *self.log.events("auth.refused")]
        if code == "not_http":
            assert lines == []
            return
        (line,) = lines
        assert line.levelname == "INFO"
        assert line.request_id == reply.one("X-Request-ID")
        if reasons:
            assert line.reason in reasons
        if target.startswith("/api"):
            assert line.name == "nexus.audit"
            assert line.decision == ("unavailable" if code == "unavailable" else "refused")
            assert line.target.split(" ")[1] == target.split("?", maxsplit=1)[0]
        assert "\n" not in self.log.lines[self.log.records.index(line) * 2]

    async def takes(self, token: str, *targets: str) -> None:
        """Sends a good token with the permission `admin` and sees it through to the handler."""
        for target in targets or TARGETS:
            calls = len(self.witness.calls)
            self.log.clear()
            reply = await self.with_token(token, target)
            assert reply.status == 200, reply
            if target.startswith("/api"):
                (line,) = self.log.events("audit")
                assert (line.decision, line.reason) == ("allowed", None)
            else:
                assert len(self.witness.calls) == calls + 1
            assert leak(token, self.log.text) is None
            assert leak(token, reply.raw.decode("latin-1")) is None
