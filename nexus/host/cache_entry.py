"""What may be kept in a cache, whichever keeps it."""

from nexus.spec.errors import NexusError


class CacheUnavailable(NexusError):
    """The configured cache cannot be used."""


class InvalidCacheEntry(NexusError):
    """A module keeps something that its cache cannot hold."""


def checked_ttl(ttl: float) -> float:
    """Gives `ttl`, seconds, back.

    Raises:
        InvalidCacheEntry: it is not above zero.
    """
    if not ttl > 0:  # also where it is not a number; aiocache would keep an entry of 0 seconds for ever
        raise InvalidCacheEntry(f"an entry cannot be kept for {ttl!r} seconds: give more than 0")
    return ttl
