"""Every row of the attack list that is a token (H1 to H25, C1 to C33), over HTTP."""

import re

from tests.auth.rows.case import Case, parametrize
from tests.auth.test_token_rows import CASES

from .stage import Stage
from .wire import head

B64TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # RFC 6750, section 2.1
LINE_LIMIT = 8190


@parametrize(CASES)
async def test_a_token_is_answered_as_its_row_says(case: Case, stage_factory, issuer):
    token = case.make(issuer)
    room = {"max_header_bytes": 10_000} if LINE_LIMIT - 100 < len(token) < 9000 else {}
    async with stage_factory(warm=False, server=room, **case.settings) as stage:
        await stage.host.wait_until(lambda: "/jwks.json" in issuer.requests)
        await stage.with_token("warm.up.now")
        if case.reasons:
            code, reasons = expected(case, token, 10_000 if room else LINE_LIMIT)
            await stage.refuses(
                lambda target: head(target, ("Authorization", f"Bearer {token}")), code, *reasons, secret=token
            )
        else:
            await judge_accepted(stage, case, token)


def expected(case: Case, token: str, limit: int) -> tuple[str, tuple[str, ...]]:
    """What HTTP makes of the row: not every token gets as far as the verifier."""
    value = f"Bearer {token}".encode("utf-8", "surrogateescape")
    if re.search(rb"[\r\n\0]", value) or len(value) > limit:
        return "not_http", ()
    if not B64TOKEN.fullmatch(token):
        return "invalid_request", ("malformed_credential",)
    return "invalid_token", case.reasons


async def judge_accepted(stage: Stage, case: Case, token: str) -> None:
    reply = await stage.with_token(token, "/m/witness/any")
    assert reply.status == 200, reply
    principal = stage.witness.principal
    if case.permissions is not None:
        assert principal.permissions == case.permissions
    if "admin" in principal.permissions:
        await stage.takes(token)
    else:
        await stage.refuses(
            lambda target: head(target, ("Authorization", f"Bearer {token}")),
            "insufficient_scope",
            "lacks_permission",
            secret=token,
        )
