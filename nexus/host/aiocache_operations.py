"""What aiocache 0.12 does with an entry, below the layer by which AIOCACHE_DISABLE=1 turns it into nothing."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiocache import BaseCache


def _unswitched(operation: Any) -> Callable[..., Awaitable[Any]]:
    inner: Callable[..., Awaitable[Any]] = operation.__wrapped__
    return inner


GET: Final = _unswitched(BaseCache.get)
SET: Final = _unswitched(BaseCache.set)
DELETE: Final = _unswitched(BaseCache.delete)
