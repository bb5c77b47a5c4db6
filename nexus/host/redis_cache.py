"""A module's cache in Redis: aiocache talks to it; namespaces, limits and what an outage means are ours."""

import asyncio
import importlib
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

from aiocache import BaseCache
from aiocache.serializers import NullSerializer
from pydantic import JsonValue, TypeAdapter

from nexus.checks.clock import Clock
from nexus.host.aiocache_operations import DELETE, GET, SET
from nexus.host.cache_entry import CacheUnavailable, InvalidCacheEntry, checked_ttl

R = TypeVar("R")

_REDIS_TIMEOUT: Final = 2.0
"""Seconds one operation may take; a cache that is slower than what it caches is none."""

_REDIS_CONNECTIONS: Final = 50

_REDIS_PORT: Final = 6379
"""Where Redis listens unless told otherwise."""

_SHORTEST: Final = 0.001
"""Seconds; Redis counts milliseconds and refuses 0."""

_LONGEST: Final = 3_153_600_000.0
"""Seconds, 100 years; Redis refuses what is beyond its calendar."""

_SILENCE: Final = 60.0
"""Seconds between two warnings of the same trouble."""

_JSON: Final = TypeAdapter[JsonValue](JsonValue)

logger = logging.getLogger("nexus.host")


class RedisServer:
    """The Redis that all modules share; while it does not answer it is an empty cache, told once each way.

    Args:
        store: aiocache's, made to keep bytes as they are.
        refusal: what the client raises where the server answers with an error.
        clock: time, to be moved by tests.
    """

    def __init__(self, store: BaseCache, *, refusal: type[Exception], clock: Clock) -> None:
        self._store = store
        self._refusal = refusal
        self._clock = clock
        # The client fails where all its connections are in use; a burst waits for its turn, since it is no outage.
        self._connections = asyncio.Semaphore(_REDIS_CONNECTIONS)
        self._is_out = False
        self._silent_until: dict[tuple[str, str], float] = {}

    async def get(self, key: bytes) -> bytes | None:
        """Gives the bytes under `key`, None where there are none or no answer."""
        found: bytes | None = await self._answer("get", GET, key)
        return found

    async def set(self, key: bytes, value: bytes, ttl: float) -> None:
        """Keeps `value` for `ttl` seconds, to the millisecond."""
        await self._answer("set", SET, key, value, ttl)

    async def delete(self, key: bytes) -> None:
        """Forgets `key`."""
        await self._answer("delete", DELETE, key)

    def cache(self, *, namespace: str, ttl: float) -> "RedisCache":
        """Gives the part of the server below `namespace`, whose entries are kept `ttl` seconds by default."""
        return RedisCache(self, namespace=namespace, ttl=ttl)

    async def close(self) -> None:
        """Closes the connections; raises nothing of theirs."""
        try:
            # aiocache calls a method that the client has deprecated.
            await asyncio.wait_for(self._store.client.connection_pool.disconnect(), _REDIS_TIMEOUT)
        except Exception as error:  # noqa: BLE001 - of a library that is not always installed
            logger.debug("the cache was not closed: %s", type(error).__name__, extra={"event": "cache.not_closed"})

    def warn_of(self, operation: str, trouble: str) -> None:
        """Warns that `operation` works only in part, at most once a minute for each kind of trouble."""
        now = self._clock.monotonic()
        if now >= self._silent_until.get((operation, trouble), now):
            self._silent_until[operation, trouble] = now + _SILENCE
            logger.warning("the cache refuses to %s: %s", operation, trouble, extra={"event": "cache.refused"})

    async def _answer(self, operation: str, ask: Callable[..., Awaitable[R]], *details: object) -> R | None:
        given = None
        try:
            async with asyncio.timeout(_REDIS_TIMEOUT), self._connections:
                given = await ask(self._store, *details)
        except self._refusal as error:
            self.warn_of(operation, type(error).__name__)
        except Exception as error:  # noqa: BLE001 - of a library that is not always installed
            if not self._is_out:
                logger.warning("the cache does not answer: %s", type(error).__name__, extra={"event": "cache.lost"})
            self._is_out = True
            return None
        if self._is_out:
            logger.info("the cache answers again", extra={"event": "cache.recovered"})
        self._is_out = False
        return given


class RedisCache:
    """One module's entries in Redis, as JSON.

    Args:
        server: shared by all modules.
        namespace: stands before every key of the module.
        ttl: seconds an entry is kept where the module does not say.
    """

    def __init__(self, server: RedisServer, *, namespace: str, ttl: float) -> None:
        self._server = server
        self._namespace = namespace
        self._ttl = ttl

    async def get(self, key: str) -> object | None:
        """Gives what was kept under `key`, None where it is not there, too old or not to be had.

        What somebody else has put there and is not JSON is not there.
        """
        found = await self._server.get(self._named(key))
        if found is None:
            return None
        try:
            value: object = json.loads(found)
        except (ValueError, RecursionError):
            self._server.warn_of("get", "an entry is not JSON")
            return None
        return value

    async def set(self, key: str, value: object, ttl: float | None = None) -> None:
        """Keeps `value`, which must be JSON, for `ttl` seconds; the host's setting where None.

        Raises:
            InvalidCacheEntry: `ttl` is not above zero, or `value` is not JSON.
        """
        seconds = checked_ttl(self._ttl if ttl is None else ttl)
        await self._server.set(self._named(key), _as_json(value), min(max(float(seconds), _SHORTEST), _LONGEST))

    async def delete(self, key: str) -> None:
        """Forgets `key`, also where it is not there."""
        await self._server.delete(self._named(key))

    def _named(self, key: str) -> bytes:
        return f"{self._namespace}:{key}".encode("utf-8", "surrogatepass")


def _as_json(value: object) -> bytes:
    try:
        # JSON's own types alone: what comes back is what was kept, which it is not for a tuple or a number as key.
        return json.dumps(_JSON.validate_python(value), allow_nan=False).encode()
    except (ValueError, RecursionError):  # not chained: they quote the value
        raise InvalidCacheEntry(
            f"the cache in Redis takes only JSON, which this {type(value).__name__} is not all through: keep text, "
            "finite numbers, booleans, None, lists and dicts with text as keys"
        ) from None


def open_redis(url: str, clock: Clock) -> RedisServer:
    """Gives the server behind `url`; connects at the first use.

    Raises:
        CacheUnavailable: the client is not installed, or the URL cannot be read.
    """
    try:
        backend: Any = importlib.import_module("aiocache.backends.redis")
        client: Any = importlib.import_module("redis.asyncio")
        retry: Any = importlib.import_module("redis.asyncio.retry")
        backoff: Any = importlib.import_module("redis.backoff")
    except ImportError:
        raise CacheUnavailable(
            "global.cache.url names Redis, whose client is not installed: pip install 'nexus-host[redis]'"
        ) from None
    parts, port, database = _parsed(url)
    # Connections that were idle while the server was restarted are noticed at their next use only.
    options: dict[str, object] = {
        "retry": retry.Retry(backoff.NoBackoff(), 1, (client.ConnectionError,)),
        # A last resort: limits of the client that end together with ours have swallowed the cancellation (redis 8.1).
        "socket_timeout": 2 * _REDIS_TIMEOUT,
    }
    if parts.username:
        options["username"] = unquote(parts.username)
    store: BaseCache = backend.RedisCache(
        serializer=NullSerializer(encoding=None),
        endpoint=parts.hostname or "127.0.0.1",
        port=port,
        db=database,
        password=unquote(parts.password) if parts.password else None,
        pool_max_size=_REDIS_CONNECTIONS,
        timeout=0,  # of the server's own, which count the wait for a connection too
        ssl=parts.scheme == "rediss",
        connection_pool_kwargs=options,
    )
    return RedisServer(store, refusal=client.ResponseError, clock=clock)


def _parsed(url: str) -> tuple[SplitResult, int, int]:
    """The parts of the URL, its port and its database; nothing of it is quoted, since a password may be anywhere."""
    try:
        parts = urlsplit(url)
        port = parts.port or _REDIS_PORT
        database = int(parts.path.strip("/") or 0)
    except ValueError:
        pass
    else:
        if database >= 0 and not parts.query and not parts.fragment:
            return parts, port, database
    raise CacheUnavailable(
        "global.cache.url is not like 'redis://user:password@host:6379/0': "
        "write the database as a number, and percent-encode what is special in user and password"
    )
