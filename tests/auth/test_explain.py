"""What the operator is told about a token, rule by rule."""

import pytest

from nexus.auth import explain as explain_module
from nexus.auth.explain import explain
from nexus.auth.refusal import Reason


async def test_a_good_token_holds_every_rule(authenticator, issuer):
    explanation = await explain(authenticator, issuer.mint(subject="ann", permissions=["admin"]), permission="admin")

    assert explanation.accepted
    assert explanation.principal.subject == "ann"
    assert [rule.rule for rule in explanation.rules][:4] == ["form", "header", "issuer", "algorithm"]


@pytest.mark.parametrize(
    ("change", "rule", "detail"),
    [
        ({"aud": "https://other"}, "audience", "expected 'https://nexus.example'"),
        ({"exp": 1, "iat": 0}, "time", "exp 1970-01-01T00:00:01+00:00"),
        ({"iss": "https://other"}, "issuer", "iss is 'https://other'"),
        ({"header": {"typ": "logout+jwt"}}, "type", "typ is 'logout+jwt'"),
        ({"header": {"alg": "PS256"}}, "algorithm", "allowed are ['RS256']"),
        ({"header": {"kid": "x"}}, "key", "kid is 'x'"),
        ({"sub": ""}, "claims", "malformed claim: sub"),
        ({}, "permission", "does not permit 'admin'"),
    ],
)
async def test_the_first_rule_that_fails_is_told_with_what_was_found(authenticator, issuer, change, rule, detail):
    token = issuer.mint(**change)
    explanation = await explain(authenticator, token, permission="admin")

    failed = [outcome for outcome in explanation.rules if outcome.outcome == "fails"]
    assert [outcome.rule for outcome in failed] == [rule]
    assert detail in failed[0].detail
    after = explanation.rules[explanation.rules.index(failed[0]) + 1 :]
    assert {outcome.outcome for outcome in after} <= {"not reached"}
    assert not explanation.accepted
    assert not any(part in repr(explanation) for part in token.split("."))


async def test_a_token_of_a_length_that_the_settings_allow_is_explained_in_full(authenticator_factory, issuer):
    async with authenticator_factory(issuer.settings(max_token_bytes=20_000)) as authenticator:
        explanation = await explain(authenticator, issuer.mint(aud="https://other", x="y" * 9000))

    (failed,) = [outcome for outcome in explanation.rules if outcome.outcome == "fails"]
    assert "expected 'https://nexus.example'" in failed.detail


@pytest.mark.parametrize("token", ["", "garbage", "a.b.c", "\udce9", "x" * 100_000], ids=range(5))
async def test_garbage_is_explained_too(authenticator, token):
    explanation = await explain(authenticator, token)

    assert not explanation.accepted
    assert explanation.rules[0].rule == "form"
    assert all(rule.detail.isascii() for rule in explanation.rules)


def test_every_reason_belongs_to_exactly_one_rule():
    told = [reason for _, reasons in explain_module._RULES for reason in reasons]
    of_the_request = {Reason.NO_CREDENTIAL, Reason.SEVERAL_CREDENTIALS, Reason.MALFORMED_CREDENTIAL, Reason.INTERNAL}
    of_sign_in = {
        Reason.FORGED_REQUEST,
        Reason.UNUSABLE_LINK,
        Reason.UNKNOWN_ATTEMPT,
        Reason.ISSUER_DECLINED,
        Reason.WRONG_NONCE,
    }

    assert len(told) == len(set(told))
    assert set(Reason) == set(told) | of_the_request | of_sign_in
