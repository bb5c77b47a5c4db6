"""The keys of one outside issuer, kept fresh: who fetches, when, and what serves meanwhile.

Rules: one fetch for any number of callers; refreshed at 80 % of their life, never on the request path; the last good
keys serve while the issuer is down, up to `max_stale`; a key that a good fetch no longer has is gone at once; a set
without a usable key replaces nothing; unknown key ids cause at most one fetch in `cooldown` seconds, bad signatures
none.
"""

import asyncio
import logging
import math
import random
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Literal, Protocol, Self

from nexus.auth.jwk_import import ImportedKeys, KeyBounds, UnusableKeySet, import_keys
from nexus.auth.key_download import Downloaded, KeyDownload
from nexus.auth.key_ring import KeyRing, PublicKey
from nexus.auth.key_store import KeyStore, StoredKeys
from nexus.auth.keys import IssuerStatus
from nexus.auth.refusal import KeysUnavailable, Reason, Refusal
from nexus.auth.weak_rsa import RsaBounds
from nexus.config.auth_settings import KeySettings
from nexus.host.own_thread import in_own_thread
from nexus.spec.errors import NexusError

_REFRESH_AT = 0.8  # of the keys' life, give or take a tenth, so that replicas do not ask all at once
_LONGEST_SLEEP = 60.0  # seconds; a machine that slept must not wait for the rest of an old delay

_log = logging.getLogger("nexus.auth.keys")
_random = random.SystemRandom()

Clock = Callable[[], float]


class Spawn(Protocol):
    """Starts a task that somebody owns, as the host's supervisor does."""

    def __call__(self, name: str, coro: Coroutine[object, object, None], /) -> asyncio.Task[None]:
        """The started task."""


class KeySource:
    """The keys of one issuer; an async context manager for as long as they are kept fresh.

    Time that passes is read from `monotonic`, so that a change of the system's clock changes no age; `wall` is used
    only for what outlives the process.
    """

    def __init__(
        self,
        download: KeyDownload,
        bounds: KeySettings,
        *,
        max_kid_length: int = 256,
        store: KeyStore | None,
        spawn: Spawn,
        wall: Clock,
        monotonic: Clock,
    ) -> None:
        self.issuer = download.issuer
        self._download = download
        self._bounds = bounds
        self._key_bounds = KeyBounds(
            max_keys=bounds.max_keys,
            max_kid_length=max_kid_length,
            rsa=RsaBounds(
                min_bits=bounds.min_rsa_bits,
                max_bits=bounds.max_rsa_bits,
                max_exponent_bits=bounds.max_exponent_bits,
            ),
        )
        self._store = store
        self._spawn = spawn
        self._wall = wall
        self._monotonic = monotonic
        self.ring: KeyRing | None = None
        self._warnings: tuple[str, ...] = ()
        self._fetched_at = self._refresh_at = self._stale_at = self._attempted_at = self._next_try = -math.inf
        self._fails = 0
        self._last_error: str | None = None
        self._clock_offset: float | None = None
        self._absent: OrderedDict[str, float] = OrderedDict()
        self._flight: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self.attention_at = -math.inf
        self.fetches = 0

    async def __aenter__(self) -> Self:
        await self._load()
        self._start("nexus-auth-keys", self._keep_fresh())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._is_closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        """The key, where it can be told without waiting and no fetch is due."""
        ring = self.ring
        return None if ring is None or self._monotonic() >= self.attention_at else ring.find(kid, algorithm)

    async def require(self, kid: str | None, algorithm: str) -> PublicKey:
        """The key for a token's header.

        Raises:
            Refusal: the issuer has no such key, or has it for another algorithm.
            KeysUnavailable: there are no keys, or they could not be looked up anew.
        """
        ring = await self._usable_ring()
        key = ring.find(kid, algorithm)
        if key is None and kid is not None and kid not in ring.kids:
            ring = await self._look_again(kid)
            key = ring.find(kid, algorithm)
        if key is None:
            raise Refusal(Reason.MISSING_KID if kid is None else Reason.WRONG_KEY)
        return key

    async def reload(self) -> None:
        """Fetches anew, after the fetch that may be under way."""
        while self._flight is not None:
            await self._wait()
        self._take_off()
        await self._wait()

    def status(self) -> IssuerStatus:
        """How the keys are doing now."""
        now = self._monotonic()
        usable = self._is_usable(now)
        level: Literal["pass", "warn", "fail"] = "pass"
        reason = "keys are current"
        if not usable:
            level, reason = "fail", f"no keys: {self._last_error or 'the first fetch is not done'}"
        elif self._fails or now >= self._stale_at:
            level, reason = "warn", f"old keys serve: {self._last_error or 'the next fetch is not done'}"
        return IssuerStatus(
            issuer=self.issuer,
            level=level,
            reason=reason,
            keys=self.ring.size if self.ring is not None and usable else 0,
            key_age=now - self._fetched_at if self.ring is not None else None,
            last_error=self._last_error,
            next_attempt_in=max(0.0, self._due_at() - now),
            clock_offset=self._clock_offset,
            warnings=self._warnings,
        )

    async def _usable_ring(self) -> KeyRing:
        now = self._monotonic()
        if self._is_usable(now):
            if self._flight is None and now >= self._due_at():
                self._take_off()
        else:
            if self._flight is None and now >= self._next_try:
                self._take_off()
            await self._wait()
        ring = self.ring
        if ring is None or not self._is_usable(self._monotonic()):
            raise self._unavailable()
        return ring

    async def _look_again(self, kid: str) -> KeyRing:
        """The ring with an id that the last one did not have."""
        now = self._monotonic()
        if self._absent.get(kid, -math.inf) > now:
            raise Refusal(Reason.UNKNOWN_KID)
        fetches = self.fetches
        if self._flight is None and now >= max(self._attempted_at + self._bounds.cooldown, self._next_try):
            self._take_off()
        await self._wait()
        ring = self.ring
        if ring is not None and kid in ring.kids:
            return ring
        if self._fails:  # the key may be there, but the issuer cannot be asked: that is no fault of the token
            raise self._unavailable()
        if self.fetches > fetches:
            self._remember_absent(kid)
        raise Refusal(Reason.UNKNOWN_KID)

    def _remember_absent(self, kid: str) -> None:
        self._absent[kid] = self._monotonic() + self._bounds.negative_ttl
        while len(self._absent) > self._bounds.negative_entries:
            self._absent.popitem(last=False)

    def _is_usable(self, now: float) -> bool:
        return self.ring is not None and now < self._fetched_at + self._bounds.max_stale

    def _due_at(self) -> float:
        return self._next_try if self._fails else self._refresh_at

    def _unavailable(self) -> KeysUnavailable:
        return KeysUnavailable(self.issuer, math.ceil(max(1.0, self._next_try - self._monotonic())))

    def _take_off(self) -> None:
        if self._is_closed:
            return
        self._flight = self._start("nexus-auth-fetch", self._fly())
        self._flight.add_done_callback(self._land)
        self._set_attention()

    def _land(self, _flight: asyncio.Task[None]) -> None:
        # A callback, because a task that is cancelled before its first step runs none of its own code.
        self._flight = None
        self._set_attention()

    async def _wait(self) -> None:
        # Unlike awaiting the task, this neither cancels it with its caller nor passes on how it ended.
        if self._flight is not None:
            await asyncio.wait([self._flight])

    async def _fly(self) -> None:
        self._attempted_at = self._monotonic()
        self.fetches += 1
        try:
            downloaded = await self._download.fetch()
            imported = await self._import(downloaded.document)
        except NexusError as error:
            self._failed(str(error))
        except Exception as error:  # noqa: BLE001 - whatever a stranger's server causes is a failed fetch
            self._failed(f"unforeseen {type(error).__name__}")
        else:
            self._adopt(downloaded, imported)

    async def _import(self, document: object) -> ImportedKeys:
        # In a thread, because a hundred keys of the largest size take 30 ms; not waited for without end, because all
        # threads may be held by a module.
        try:
            async with asyncio.timeout(self._bounds.timeout):
                return await asyncio.to_thread(
                    import_keys, document, algorithms=self._download.algorithms, bounds=self._key_bounds
                )
        except TimeoutError:
            raise UnusableKeySet("the key set was not read in time, the host's threads are all held") from None

    def _failed(self, error: str) -> None:
        self._fails += 1
        delay = min(self._bounds.last_retry, self._bounds.first_retry * 2 ** min(self._fails - 1, 32))
        delay *= _random.uniform(0.8, 1.2)
        self._next_try = self._monotonic() + delay
        self._last_error = error
        _log.warning(
            "the keys of an issuer could not be fetched",
            extra={"event": "auth.keys.failed", "issuer": self.issuer, "error": error, "fails": self._fails},
        )

    def _adopt(self, downloaded: Downloaded, imported: ImportedKeys) -> None:
        bounds = self._bounds
        ttl = bounds.ttl if downloaded.max_age is None else downloaded.max_age
        life = min(max(ttl, bounds.min_ttl), bounds.max_ttl, bounds.max_stale)
        now = self._monotonic()
        self._fails = 0
        self._last_error = None
        self._next_try = -math.inf
        self._fetched_at = now
        self._stale_at = now + life
        self._refresh_at = now + life * _REFRESH_AT * _random.uniform(0.9, 1.1)
        self._absent.clear()
        if downloaded.server_time is not None:
            self._clock_offset = downloaded.server_time - self._wall()
        self._use(imported)
        self._start("nexus-auth-save", self._save(StoredKeys(downloaded.document, self._wall())))

    def _use(self, imported: ImportedKeys) -> None:
        if self.ring is None or self.ring.fingerprint != imported.ring.fingerprint:
            self.ring = imported.ring
            _log.info(
                "the keys of an issuer are in use",
                extra={"event": "auth.keys.changed", "issuer": self.issuer, "keys": imported.ring.size},
            )
        if imported.warnings != self._warnings:
            self._warnings = imported.warnings
            for warning in imported.warnings:
                _log.warning(
                    "a published key is not used",
                    extra={"event": "auth.keys.skipped", "issuer": self.issuer, "warning": warning},
                )

    def _set_attention(self) -> None:
        if self.ring is None:
            self.attention_at = -math.inf
        else:
            expires_at = self._fetched_at + self._bounds.max_stale
            self.attention_at = expires_at if self._flight is not None else min(expires_at, self._due_at())

    async def _load(self) -> None:
        store, now = self._store, self._wall()
        if store is None:
            return
        try:
            saved = await in_own_thread("nexus-keys", lambda: store.load(now=now, max_age=self._bounds.max_stale))
            if saved is not None:
                self._use(await self._import(saved.document))
                self._fetched_at = self._monotonic() - (now - saved.fetched_at)
        except (NexusError, OSError) as error:
            _log.warning(
                "saved keys of an issuer are not used",
                extra={"event": "auth.keys.not_loaded", "issuer": self.issuer, "error": str(error)},
            )
        self._set_attention()

    async def _save(self, keys: StoredKeys) -> None:
        if self._store is None:
            return
        try:
            await asyncio.to_thread(self._store.save, keys)
        except OSError as error:
            _log.warning(
                "the keys of an issuer could not be saved",
                extra={"event": "auth.keys.not_saved", "issuer": self.issuer, "error": str(error.strerror)},
            )

    async def _keep_fresh(self) -> None:
        while True:
            delay = self._due_at() - self._monotonic()
            if delay > 0:
                await asyncio.sleep(min(delay, _LONGEST_SLEEP))
                continue
            if self._flight is None:
                self._take_off()
            await self._wait()

    def _start(self, name: str, coro: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = self._spawn(name, coro)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
