"""How a credential is presented: rows T1 to T9 and T22."""

import pytest

from tests.auth.rows.case import now

from .stage import CHALLENGES, TARGETS
from .wire import head

CANARY = "sEcReTcAnArY0123456789"


def fields(*values):
    return [("Authorization", value) for value in values]


MALFORMED = {
    "T1-good-then-bad": lambda good: fields(f"Bearer {good}", f"Bearer {CANARY}"),
    "T1-bad-then-good": lambda good: fields(f"Bearer {CANARY}", f"Bearer {good}"),
    "T1-twice-the-same": lambda good: fields(f"Bearer {good}", f"Bearer {good}"),
    "T1-other-scheme-first": lambda good: fields("Basic YTpi", f"Bearer {good}"),
    "T1-other-scheme-last": lambda good: fields(f"Bearer {good}", "Basic YTpi"),
    "T1-empty-one-beside": lambda good: fields("", f"Bearer {good}"),
    "T1-other-spelling-of-the-name": lambda good: [
        ("authorization", f"Bearer {good}"),
        ("AUTHORIZATION", f"Bearer {CANARY}"),
    ],
    "T2-joined": lambda good: fields(f"Bearer {good}, Bearer {CANARY}"),
    "T2-joined-without-scheme": lambda good: fields(f"Bearer {good},{CANARY}"),
    "T4-tab": lambda good: fields(f"Bearer\t{good}"),
    "T4-two-spaces": lambda good: fields(f"Bearer  {good}"),
    "T4-inner-space": lambda good: fields(f"Bearer {good} {CANARY}"),
    "T4-no-space": lambda good: fields(f"Bearer{good}"),
    "T4-alone": lambda good: fields("Bearer"),
    "T4-equals": lambda good: fields(f"Bearer={good}"),
    "T4-quoted": lambda good: fields(f'Bearer "{good}"'),
    "T4-padding-inside": lambda good: fields(f"Bearer {good}=a"),
    "T4-colon": lambda good: fields(f"Bearer: {good}"),
    "T4-empty": lambda good: fields(""),
    "T6-latin-1": lambda good: fields(b"Bearer " + good.encode() + b"\xe9"),
    "T6-byte-ff": lambda good: fields(b"Bearer \xff" + good.encode()),
    "T6-in-the-scheme": lambda good: fields(b"B\xe9arer " + good.encode()),
    "T6-utf-8": lambda good: fields(f"Bearer {good}\u00e9\u20ac"),
    "T6-full-width": lambda good: fields(f"Bearer {good}\uff21"),
    "T6-no-break-space": lambda good: fields(f"Bearer\u00a0{good}"),
}


@pytest.mark.parametrize("make", MALFORMED.values(), ids=list(MALFORMED))
async def test_anything_but_one_well_formed_credential_is_a_bad_request(stage, issuer, make):
    good = issuer.mint(permissions=["admin"])

    await stage.refuses(
        lambda target: head(target, *make(good)),
        "invalid_request",
        "several_credentials",
        "malformed_credential",
        secret=good,
    )


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "bEaReR"], ids=lambda scheme: f"T3-{scheme}")
async def test_the_scheme_is_in_any_case(stage, issuer, scheme):
    good = issuer.mint(permissions=["admin"])

    for target in TARGETS:
        assert (await stage.get(target, ("Authorization", f"{scheme} {good}"))).status == 200


async def test_t4_white_space_around_a_field_is_no_part_of_it(stage, issuer):
    """RFC 9110, section 5.5: the parser takes it off before anybody sees the value."""
    good = issuer.mint(permissions=["admin"])

    for value in (f"Bearer {good} ", f"  Bearer {good}", f"\tBearer {good}\t"):
        assert (await stage.get(TARGETS[0], ("Authorization", value))).status == 200


SCHEMES = ["Basic YTpi", "DPoP {}", "Negotiate YII=", "Token {}", "Digest", 'Digest username="{}"', "JWT {}", "Bear {}"]


@pytest.mark.parametrize("value", SCHEMES, ids=[f"T5-{scheme.split()[0]}-{len(scheme)}" for scheme in SCHEMES])
async def test_another_scheme_is_no_credential(stage, issuer, value):
    good = issuer.mint(permissions=["admin"])

    await stage.refuses(
        lambda target: head(target, *fields(value.format(good))), "missing", "no_credential", secret=good
    )


async def test_t5_no_credential_at_all(stage):
    await stage.refuses(head, "missing", "no_credential")


NOT_HTTP = {
    "T7-nul": lambda target: head(target, ("Authorization", f"Bearer {CANARY}\0{CANARY}")),
    "T7-folded": lambda target: head(target, ("Authorization", f"Bearer\r\n {CANARY}")),
    "T7-bare-lf": lambda target: head(target, ("Authorization", f"Bearer {CANARY}\nX: {CANARY}")),
    "T7-bare-cr": lambda target: head(target, ("Authorization", f"Bearer {CANARY}\rX: {CANARY}")),
    "T7-space-before-colon": lambda target: head(target, ("Authorization ", f"Bearer {CANARY}")),
    "T7-no-colon": lambda target: head(target, ("X", "y")).replace(b"X: y", b"Bearer " + CANARY.encode()),
    "T7-control-in-name": lambda target: head(target, (f"Authoriz\x01ation{CANARY}", CANARY)),
    "T8-8191-bytes": lambda target: head(target, ("Authorization", "Bearer " + CANARY * 372 + "x" * 8)),
    "T8-64-kB": lambda target: head(target, ("Authorization", f"Bearer {CANARY * 3000}")),
    "T8-scheme-alone": lambda target: head(target, ("Authorization", CANARY * 500)),
    "T8-many-fields": lambda target: head(target, *[("Authorization", f"Bearer {CANARY}")] * 2000),
}


@pytest.mark.parametrize("make", NOT_HTTP.values(), ids=list(NOT_HTTP))
async def test_what_the_parser_refuses_is_not_echoed(stage, make):
    await stage.refuses(make, "not_http", secret=CANARY)


ELSEWHERE = {
    "T9-query": lambda token, target: head(f"{target}?access_token={token}"),
    "T9-encoded-query": lambda token, target: head(f"{target}?a=b&acces%73_token={token}"),
    "T9-cookie": lambda token, target: head(target, ("Cookie", f"a=b; access_token={token}")),
    "T9-header": lambda token, target: head(target, ("X-Access-Token", token)),
}


@pytest.mark.parametrize("make", ELSEWHERE.values(), ids=list(ELSEWHERE))
async def test_a_token_elsewhere_is_none_and_is_one_too_many_beside_the_header(stage, issuer, make):
    good = issuer.mint(permissions=["admin"])

    await stage.refuses(lambda target: make(good, target), "missing", "no_credential", secret=good)
    await stage.refuses(
        lambda target: make(good, target).replace(b"\r\n\r\n", f"\r\nAuthorization: Bearer {good}\r\n\r\n".encode()),
        "invalid_request",
        "several_credentials",
        secret=good,
    )


async def test_t9_a_token_in_a_form_is_not_even_read(stage, issuer):
    """RFC 6750, section 2.2 lets a server ignore it; reading the body first would let anybody make us read bodies."""
    good = issuer.mint(permissions=["admin"])
    form = f"access_token={good}".encode()
    sent = head(
        "/m/witness/secret",
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", str(len(form))),
        method="POST",
    )

    await stage.refuses(sent + form, "missing", secret=good, targets=("/m/witness/secret",))


async def test_t9_other_names_are_the_modules_own(stage, issuer):
    good = issuer.mint(permissions=["admin"])

    for extra in ([("Cookie", "my_access_token=1; session=2")], [("X-Token", "1")]):
        reply = await stage.get("/m/witness/secret?token=1&access=2", ("Authorization", f"Bearer {good}"), *extra)
        assert reply.status == 200


async def test_t22_nothing_of_a_request_gets_into_the_challenge(stage, issuer):
    evil = 'evil", error="none'
    for target in ("/api/x%22%0d%0aX-Evil:%201", "/m/witness/items/%22%0d%0aX-Evil:1", "/%22"):
        reply = await stage.get(target, ("Host", evil), ("X-Forwarded-Host", evil), ("Authorization", "Bearer a.b.c"))
        assert reply.status in {400, 401}
        assert reply.all("X-Evil") == []
        assert all(value in CHALLENGES.values() for value in reply.all("WWW-Authenticate"))


async def test_t22_permissions_are_named_in_a_challenge_as_rfc_6749_has_scopes(stage, issuer):
    reply = await stage.with_token(issuer.mint(permissions=["read"], iat=now(issuer)), "/m/witness/both")

    assert 'error="insufficient_scope"' in reply.one("WWW-Authenticate")
    assert 'scope="read write"' in reply.one("WWW-Authenticate")
