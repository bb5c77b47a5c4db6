"""How the makes of issuers differ; the attacks on that (C22 to C27) are in `rows/grant_rows.py`."""

import pytest

from nexus.auth.refusal import Reason, Refusal
from nexus.auth.token_rules import ContradictoryIssuers, TokenRules, UnsafeAlgorithms, all_rules
from nexus.config.auth_settings import AuthSettings
from nexus.testing.issuer import ABSENT


@pytest.fixture
def decide(authenticator_factory, issuer):
    """Gives permissions and client of a token under a profile, or the reason of its refusal."""

    async def decision(settings, **claims):
        header = claims.pop("header", {})
        rbac = claims.pop("rbac", ABSENT)  # the claim `permissions`, a name that `mint` takes for itself
        async with authenticator_factory(issuer.settings(**settings)) as authenticator:
            try:
                principal = await authenticator.authenticate(
                    issuer.mint(header=header, claims={"permissions": rbac}, **claims)
                )
            except Refusal as refusal:
                return refusal.reason
        return set(principal.permissions), principal.client

    return decision


async def test_auth0_machine_token(decide):
    claims = {"sub": "abc@clients", "azp": "abc", "gty": "client-credentials", "jti": ABSENT, "header": {"typ": "JWT"}}

    assert await decide({"profile": "auth0"}, scope="admin", **claims) == ({"admin"}, "abc")


def test_c24_many_tenants_are_named_one_by_one():
    common = {"issuer": "https://login.microsoftonline.com/common/v2.0", "audience": "api", "profile": "entra"}

    with pytest.raises(ValueError, match="tenants"):
        AuthSettings.model_validate(common)
    (rules,) = all_rules(AuthSettings.model_validate({**common, "tenants": ["t1", "t2"]}))

    assert rules.accepted_issuers == (
        "https://login.microsoftonline.com/t1/v2.0",
        "https://sts.windows.net/t1/",
        "https://login.microsoftonline.com/t2/v2.0",
        "https://sts.windows.net/t2/",
    )
    assert "https://login.microsoftonline.com/{tenantid}/v2.0" in rules.metadata_issuers


async def test_rfc9068_reads_scope_as_a_text_only(decide):
    settings = {"profile": "rfc9068"}

    assert await decide(settings, client_id="app", scope="admin") == ({"admin"}, "app")
    assert await decide(settings, client_id="app", scope=["admin"]) is Reason.MALFORMED_CLAIM
    assert await decide(settings, client_id="app", scope="admin", header={"typ": "JWT"}) is Reason.WRONG_TYPE
    assert await decide(settings, client_id="app", scope="admin", header={"typ": ABSENT}) is Reason.WRONG_TYPE


async def test_generic_reads_all_three_claims(decide):
    decision = await decide({}, scope="a b", scp=["c"], rbac=["d"], client_id="app", azp="other")

    assert decision == ({"a", "b", "c", "d"}, "app")


def test_two_issuers_never_claim_the_same_tokens():
    tables = [
        {"issuer": "https://login.microsoftonline.com/common/v2.0", "profile": "entra", "tenants": ["t1"]},
        {"issuer": "https://sts.windows.net/t1/", "profile": "entra"},
    ]
    settings = AuthSettings.model_validate({"issuers": [{**table, "audience": "api"} for table in tables]})

    with pytest.raises(ContradictoryIssuers, match=r"sts\.windows\.net/t1/"):
        all_rules(settings)


@pytest.mark.parametrize("algorithms", [(), ("none",), ("HS256",), ("RS256", "HS256")], ids=lambda names: f"H6-{names}")
def test_h6_rules_without_safe_algorithms_cannot_be_made(algorithms):
    with pytest.raises(UnsafeAlgorithms):
        TokenRules(
            issuer="i", accepted_issuers=("i",), metadata_issuers=("i",), audience="a", algorithms=algorithms,
            profile="generic", leeway=0, max_lifetime=60,
        )  # fmt: skip
