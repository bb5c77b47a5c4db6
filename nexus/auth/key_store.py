"""The last good key set of an issuer on disk, so that a restart while the issuer is down goes on working."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from nexus.auth import strict_json
from nexus.auth.private_file import UnsafeFile, read_private, replace_private

_VERSION = 1
_OVERHEAD_BYTES = 4096  # of the envelope around the key set
_CLOCK_TOLERANCE = 300.0  # seconds that the clock may have been set back since the file was written


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """A key set as it was fetched, and when: seconds since the epoch."""

    document: object
    fetched_at: float


class KeyStore:
    """One file for one issuer in the state directory; all methods block.

    The file says which issuer and which address it came from; another issuer's file is never read as this one's.
    """

    def __init__(self, directory: Path, *, issuer: str, source: str, max_bytes: int) -> None:
        self._identity = {"version": _VERSION, "issuer": issuer, "source": source}
        name = hashlib.sha256(json.dumps(self._identity).encode()).hexdigest()[:32]
        self.path = directory / "keys" / f"{name}.json"
        self._max_bytes = max_bytes + _OVERHEAD_BYTES

    def load(self, *, now: float, max_age: float) -> StoredKeys | None:
        """What was saved, or None where there is nothing or it is older than `max_age` seconds.

        Raises:
            UnsafeFile: others could have written the file.
            MalformedJson: it is damaged.
        """
        content = read_private(self.path, max_bytes=self._max_bytes)
        if content is None:
            return None
        saved = strict_json.parse_object(content, max_bytes=self._max_bytes)
        fetched_at = saved.get("fetched_at")
        if {name: saved.get(name) for name in self._identity} != self._identity:
            raise UnsafeFile(f"{self.path} was written for another issuer, remove it")
        if isinstance(fetched_at, bool) or not isinstance(fetched_at, int | float):
            return None
        if not -_CLOCK_TOLERANCE <= now - fetched_at < max_age:
            return None
        return StoredKeys(saved.get("document"), min(float(fetched_at), now))

    def save(self, keys: StoredKeys) -> None:
        """Replaces what was saved.

        Raises:
            OSError: the state directory cannot be written.
        """
        envelope = {**self._identity, "fetched_at": keys.fetched_at, "document": keys.document}
        replace_private(self.path, json.dumps(envelope).encode())
