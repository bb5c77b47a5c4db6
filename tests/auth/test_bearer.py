"""What the Authorization header may hold (rows T1 to T9 of the attack list), and what a challenge says (T22)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.auth.bearer import read_bearer
from nexus.auth.challenge import STATUS_BY_CODE, challenge
from nexus.auth.refusal import Code, Reason, Refusal

BAD_REQUESTS = [
    ("T1-good-then-bad", ["Bearer a.b.c", "Bearer x"]),
    ("T1-twice-the-same", ["Bearer a.b.c", "Bearer a.b.c"]),
    ("T1-other-scheme-beside", ["Basic YTpi", "Bearer a.b.c"]),
    ("T2-joined", ["Bearer a, Bearer b"]),
    ("T4-tab", ["Bearer\ta.b.c"]),
    ("T4-two-spaces", ["Bearer  a.b.c"]),
    ("T4-trailing-space", ["Bearer a.b.c "]),
    ("T4-inner-space", ["Bearer a b"]),
    ("T4-no-space", ["Bearera.b.c"]),
    ("T4-alone", ["Bearer"]),
    ("T4-alone-with-space", ["Bearer "]),
    ("T4-equals", ["Bearer=x"]),
    ("T4-padding-inside", ["Bearer a=b"]),
    ("T4-padding-only", ["Bearer =="]),
    ("T4-empty", [""]),
    ("T4-comma", ["Bearer a.b.c,"]),
    ("T4-quoted", ['Bearer "a.b.c"']),
    ("T6-lone-surrogate", ["Bearer a\udce9"]),
    ("T6-latin-1", ["Bearer a\xe9"]),
    ("T6-scheme", ["B\udce9arer abc"]),
    ("T6-full-width", ["Bearer \uff21"]),
    ("T7-newline", ["Bearer a\nb"]),
    ("T7-trailing-newline", ["Bearer a\n"]),
    ("T7-nul", ["Bearer a\0"]),
]


@pytest.mark.parametrize("values", [row[1] for row in BAD_REQUESTS], ids=[row[0] for row in BAD_REQUESTS])
def test_more_or_less_than_one_well_formed_credential_is_a_bad_request(values):
    refusal = read_bearer(values)

    assert isinstance(refusal, Refusal)
    assert refusal.code is Code.INVALID_REQUEST


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"], ids=lambda scheme: f"T3-{scheme}")
def test_the_scheme_may_be_in_any_case(scheme):
    assert read_bearer([f"{scheme} a.b-c_d~e+f/g=="]) == "a.b-c_d~e+f/g=="


OTHER_SCHEMES = ["Basic YTpi", "DPoP a.b.c", "Negotiate YII=", "Token x", "Digest", 'Digest username="a", realm="b"']


@pytest.mark.parametrize("values", [[], *([value] for value in OTHER_SCHEMES)], ids=lambda v: f"T5-{''.join(v)[:8]}")
def test_no_bearer_credential_is_missing(values):
    refusal = read_bearer(values)

    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.reason) == (Code.MISSING, Reason.NO_CREDENTIAL)


def test_t9_a_token_elsewhere_is_none_alone_and_one_too_many_beside_the_header():
    alone, beside = read_bearer([], is_elsewhere=True), read_bearer(["Bearer a.b.c"], is_elsewhere=True)

    assert isinstance(alone, Refusal)
    assert isinstance(beside, Refusal)
    assert (alone.code, beside.code) == (Code.MISSING, Code.INVALID_REQUEST)


@given(st.lists(st.text(st.characters(codec=None)), max_size=3), st.booleans())
def test_any_header_values_give_a_token_or_a_refusal(values, elsewhere):
    token = read_bearer(values, is_elsewhere=elsewhere)

    if isinstance(token, Refusal):
        assert token.code in {Code.MISSING, Code.INVALID_REQUEST}
        return
    assert len(values) == 1
    assert not elsewhere
    assert values[0][7:] == token


def test_a_missing_credential_gets_a_challenge_without_an_error():
    assert challenge(Code.MISSING, resource_metadata="https://n.example/.well-known/oauth-protected-resource") == (
        'Bearer realm="nexus", resource_metadata="https://n.example/.well-known/oauth-protected-resource"'
    )


def test_a_bad_token_gets_the_same_text_whatever_is_wrong_with_it():
    assert challenge(Code.INVALID_TOKEN) == (
        'Bearer realm="nexus", error="invalid_token", error_description="The access token is not valid"'
    )


def test_a_lacking_permission_is_named():
    assert challenge(Code.INSUFFICIENT_SCOPE, permissions={"write", "admin"}).endswith('scope="admin write"')


@given(
    st.sampled_from(Code),
    st.lists(st.text(st.characters(codec=None)), max_size=3),
    st.none() | st.text(st.characters(codec=None)),
)
def test_t22_nothing_breaks_out_of_a_challenge(code, permissions, address):
    value = challenge(code, permissions=permissions, resource_metadata=address)

    assert value.isascii()
    assert value.isprintable()
    assert code in STATUS_BY_CODE
    parameter = r'[a-z_]+="(?:[^"\\]|\\.)*"'
    assert re.fullmatch(f"Bearer {parameter}(?:, {parameter})*", value), value
