"""Every row of the attack list that is a token (H1 to H25, C1 to C33), judged by the authenticator."""

import asyncio

from .rows.case import Case, accepted, parametrize
from .rows.claim_rows import CLAIM_CASES
from .rows.grant_rows import GRANT_CASES
from .rows.header_rows import HEADER_CASES
from .rows.time_rows import TIME_CASES

CASES = [*HEADER_CASES, *CLAIM_CASES, *TIME_CASES, *GRANT_CASES]


@parametrize(CASES)
async def test_a_token_is_decided_on_as_its_row_says(case: Case, judge):
    await judge(case)


async def test_many_tokens_at_once_are_each_decided_on_alone(authenticator, issuer):
    """A decision rests on nothing that another one leaves behind."""
    cases = [case for case in CASES if not case.settings and not case.id.startswith(("H13", "H14", "C31"))]
    tokens = [case.make(issuer) for case in cases]

    decisions = await asyncio.gather(*(authenticator.authenticate(token) for token in tokens), return_exceptions=True)

    for case, decision in zip(cases, decisions, strict=True):
        reason = getattr(decision, "reason", None)
        assert (reason in case.reasons) if case.reasons else reason is None, case.id


def test_every_row_has_its_own_name():
    names = [case.id for case in CASES]

    assert len(set(names)) == len(names)
    assert accepted("x", str) != accepted("y", str)
