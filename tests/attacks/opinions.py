"""Tokens and other bytes that nobody thought of, sent to a running host from hypothesis' own thread."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from nexus.testing.issuer import ABSENT
from tests.auth.test_properties import CLAIM_NAMES, CLAIM_VALUES, HEADER_NAMES, HEADER_VALUES, JSON, TEXTS

from .stage import Stage
from .watch import leak
from .wire import converse, head

HEADERS = st.dictionaries(st.sampled_from(HEADER_NAMES) | TEXTS, HEADER_VALUES | JSON | st.just(ABSENT), max_size=4)
CLAIMS = st.dictionaries(st.sampled_from(CLAIM_NAMES) | TEXTS, CLAIM_VALUES | JSON | st.just(ABSENT), max_size=5)
VALUES = st.binary(max_size=120) | st.builds(bytes.__add__, st.just(b"Bearer "), st.binary(max_size=80))
CHANGES = st.tuples(st.integers(0, 2000), st.integers(0, 6), st.text(st.characters(codec=None), max_size=3))

Opinion = Callable[[str], bool]


class Asked:
    """A stage that can be asked from another thread."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._loop = asyncio.get_running_loop()
        self._usual = ""

    def status(self, value: bytes) -> int:
        """The answer to an Authorization header of these bytes; it tells nothing of them and is no failure."""
        return asyncio.run_coroutine_threadsafe(self._status(value), self._loop).result(60)

    async def _status(self, value: bytes) -> int:
        if not self._usual:
            good = self.stage.issuer.mint(permissions=["admin"]).encode()
            told = [await self._told(harmless) for harmless in (b"Bearer x", b"\xe9", b"Basic eA==", b"Bearer " + good)]
            self._usual = "\n".join(told)
        told = await self._told(value)
        status = int(told.split(" ", 2)[1])
        assert status in {200, 400, 401}, told
        assert leak(value, told, self._usual) is None
        assert "Traceback" not in told
        return status

    async def _told(self, value: bytes) -> str:
        """The answer, and every log line after it."""
        self.stage.log.clear()
        raw = await converse(self.stage.origin, head("/m/witness/any", ("Authorization", value)))
        return f"{raw.decode('latin-1')}\n{self.stage.log.text}"

    def accepts(self, token: str) -> bool:
        return self.status(b"Bearer " + token.encode("utf-8", "surrogateescape")) == 200

    def agrees(self, token: str, *opinions: Opinion) -> None:
        """A yes of the host needs a yes of everybody; a no may be a stricter rule, see `STRICTER` in tests/auth."""
        if self.accepts(token):
            assert [opinion(token) for opinion in opinions] == [True] * len(opinions)


def minted(stage: Stage, header: dict[str, Any], claims: dict[str, Any]) -> str:
    return stage.issuer.mint(header=header, claims=claims)


def signed(stage: Stage, header: object, payload: object) -> str:
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    return stage.issuer.sign(*parts)


def changed(token: str, change: tuple[int, int, str]) -> str:
    start, length, replacement = change
    return token[:start] + replacement.encode("utf-8", "replace").decode() + token[start + length :]
