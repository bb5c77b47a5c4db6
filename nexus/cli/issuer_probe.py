"""Asking the configured issuers, as they are now: metadata, keys, clock; and what would be decided of a token."""

import asyncio
import logging
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from nexus.auth.authenticator import Authenticator
from nexus.auth.discovery import DiscoveryFailed, IssuerMetadata, discover
from nexus.auth.document_fetch import FetchLimits
from nexus.auth.explain import Explanation, explain
from nexus.auth.exposure import local_issuer_serves
from nexus.auth.keys import IssuerStatus
from nexus.auth.token_rules import TokenRules, rules_for
from nexus.config.auth_settings import AuthSettings, IssuerSettings
from nexus.host.supervisor import Supervisor


@dataclass(slots=True, kw_only=True)
class IssuerReport:
    """How one issuer does.

    Attributes:
        issuer: its name.
        settings: what is configured of it, in words.
        metadata: what discovery found; None where it failed.
        status: of its keys; None where they were not asked for.
        failures: sentences on what keeps its tokens from being verified.
        warnings: sentences on what should be looked at.
    """

    issuer: str
    settings: str
    metadata: IssuerMetadata | None = None
    status: IssuerStatus | None = None
    failures: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def clock_offset(self) -> float | None:
        """Seconds that the issuer's clock is ahead of ours; None where it did not tell."""
        return self.status.clock_offset if self.status else None


@dataclass(frozen=True, slots=True)
class Examination:
    """All issuers, the local one where it serves, and the explanation of the token that was given."""

    issuers: tuple[IssuerReport, ...]
    local: str | None
    explanation: Explanation | None


def examine(auth: AuthSettings | None, state_dir: Path, token: str | None = None) -> Examination:
    """Asks every issuer once, and explains the token where one is given.

    Args:
        auth: the `[global.auth]` table.
        state_dir: where the local issuer's key is; looked at only where that issuer serves.
        token: to explain; None where there is none.

    Raises:
        KeysUnavailable: the token's issuer has no keys to verify it with.
    """
    if local_issuer_serves(auth):
        return asyncio.run(_examine(auth, state_dir, token))
    # Keys kept from an earlier day would hide that the issuer is down now. The folder outlives the loop, whose end
    # waits for the threads that still write into it.
    with _failures_unlogged(), tempfile.TemporaryDirectory(prefix="nexus-") as scratch:
        return asyncio.run(_examine(auth, Path(scratch), token))


@contextmanager
def _failures_unlogged() -> Iterator[None]:
    """Keeps failed fetches out of the log, since the reports tell them."""
    log = logging.getLogger("nexus.auth.keys")

    def is_other(record: logging.LogRecord) -> bool:
        return getattr(record, "event", None) != "auth.keys.failed"

    log.addFilter(is_other)
    try:
        yield
    finally:
        log.removeFilter(is_other)


async def _examine(auth: AuthSettings | None, place: Path, token: str | None) -> Examination:
    async with AsyncExitStack() as exits:
        session = await exits.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
        )
        supervisor = await exits.enter_async_context(Supervisor())

        def spawn(name: str, coro: Coroutine[object, object, None], /) -> asyncio.Task[None]:
            return supervisor.start(name, coro)

        authenticator = await exits.enter_async_context(
            Authenticator(auth, state_dir=place, session=session, spawn=spawn)
        )
        issuers = await _reports(auth, authenticator, session)
        explanation = None
        if token is not None:
            explanation = await explain(authenticator, token, permission=authenticator.permission)
        local = next((each.rules.issuer for each in authenticator.trusted if not each.rules.metadata_issuers), None)
        return Examination(issuers, local, explanation)


async def _reports(
    auth: AuthSettings | None, authenticator: Authenticator, session: aiohttp.ClientSession
) -> tuple[IssuerReport, ...]:
    if auth is None or not auth.all_issuers():
        return ()
    statuses = {status.issuer: status for status in await authenticator.reload_keys()}
    limits = FetchLimits(auth.keys.timeout, auth.keys.connect_timeout, auth.keys.max_bytes)
    reports = (_report(issuer, session, limits, statuses) for issuer in auth.all_issuers())
    return tuple(await asyncio.gather(*reports))


async def _report(
    settings: IssuerSettings, session: aiohttp.ClientSession, limits: FetchLimits, statuses: dict[str, IssuerStatus]
) -> IssuerReport:
    rules = rules_for(settings)
    report = IssuerReport(issuer=rules.issuer, settings=_in_words(rules), status=statuses.get(rules.issuer))
    try:
        report.metadata = await discover(
            session, rules.issuer, accepted=rules.metadata_issuers, jwks_hosts=rules.jwks_hosts, limits=limits
        )
    except DiscoveryFailed as error:
        # With a configured address of the keys, discovery is only a convenience.
        target = report.failures if rules.jwks_uri is None else report.warnings
        target.append(f"discovery failed: {error}")
    status = report.status
    if status is not None:
        report.warnings += status.warnings
        failing = status.last_error or (status.reason if not status.ok else None)
        if failing and not any(failing in said for said in report.failures):
            report.failures.append(f"the keys of {rules.issuer} are not to be had: {failing}")
        offset = status.clock_offset
        if offset is not None and abs(offset) > max(rules.leeway, 1):
            report.warnings.append(
                f"the clock of {rules.issuer} is {offset:+.0f} s off ours, leeway is {rules.leeway:g} s: set the clock"
            )
    return report


def _in_words(rules: TokenRules) -> str:
    parts = [f"profile {rules.profile}", f"audience {rules.audience}", f"algorithms {', '.join(rules.algorithms)}"]
    parts.append(f"leeway {rules.leeway:g} s")
    if rules.clients:
        parts.append(f"clients {', '.join(sorted(rules.clients))}")
    return "; ".join(parts)
