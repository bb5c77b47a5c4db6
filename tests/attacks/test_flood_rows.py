"""What a flood of bad tokens costs and tells (row C34), and what is counted of it."""

import logging
import time

import aiohttp
import pytest

from nexus.testing.issuer import ABSENT
from tests.auth.rows.case import attacker, now

from .stage import CHALLENGES
from .watch import leak

_log = logging.getLogger("nexus.tests")

CLASSES = {
    "C34-garbage": lambda issuer, n: f"garbage{n:08}",
    "C34-unknown-kid": lambda issuer, n: issuer.mint(header={"kid": f"k{n}"}),
    "C34-bad-signature": lambda issuer, n: issuer.mint(key=attacker(), n=n),
    "C34-expired": lambda issuer, n: issuer.mint(exp=now(issuer) - 31, iat=ABSENT, n=n),
}
COUNT = 60


@pytest.mark.parametrize("make", CLASSES.values(), ids=list(CLASSES))
async def test_a_flood_asks_nobody_and_is_told_nothing(stage, issuer, make):
    tokens = [make(issuer, n) for n in range(COUNT)]
    requests, took, told = len(issuer.requests), [], set()

    async with aiohttp.ClientSession() as session:
        for token in tokens:
            began = time.perf_counter()
            url = stage.origin + "/m/witness/secret"
            async with session.get(url, headers={"Authorization": f"Bearer {token}"}) as answer:
                document = await answer.json(content_type=None)
                took.append(time.perf_counter() - began)
                document.pop("request_id")
                told.add((answer.status, answer.headers["WWW-Authenticate"], str(document)))

    assert [(status, challenge) for status, challenge, _ in told] == [(401, CHALLENGES["invalid_token"])]
    assert len(issuer.requests) == requests
    assert stage.witness.calls == []
    assert not [token for token in tokens if leak(token, stage.log.text)]
    _log.info("99 of 100 refusals took less than %.1f ms", sorted(took)[int(COUNT * 0.99)] * 1000)


async def test_what_became_of_the_tokens_is_counted_by_reason(stage, issuer):
    async def counts():
        return (await stage.with_token(issuer.mint(permissions=["admin"]), "/api/health")).json()["tokens"]

    before, good = await counts(), issuer.mint(permissions=["read"])
    for token in ("garbage", "garbage", issuer.mint(aud="x"), good, good):
        await stage.with_token(token)
    await stage.get("/api/version")

    after = await counts()

    assert {name: after[name] - before[name] for name in ("verified", "cached", "unavailable")} == {
        "verified": 2,
        "cached": 1,
        "unavailable": 0,
    }
    told = {reason: count - before["refused"].get(reason, 0) for reason, count in after["refused"].items()}
    assert {reason: count for reason, count in told.items() if count} == {
        "not_compact_jws": 2,
        "wrong_audience": 1,
        "lacks_permission": 2,
        "no_credential": 1,
    }
