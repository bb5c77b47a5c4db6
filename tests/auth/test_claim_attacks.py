"""What claims do besides being decided on (C29, C30); the attacks themselves are in `rows/claim_rows.py`."""


async def test_c29_delegation_is_known_but_grants_nothing(authenticator, issuer):
    token = issuer.mint(permissions=["read"], act={"sub": "robot", "scope": "admin", "permissions": ["admin"]})

    principal = await authenticator.authenticate(token)

    assert (principal.permissions, principal.actor) == ({"read"}, "robot")
    assert authenticator.cached(token).actor == "robot"


async def test_c30_a_token_may_be_used_again(authenticator, issuer):
    token = issuer.mint()
    for _ in range(3):
        await authenticator.authenticate(token)

    assert authenticator.counters.accepted == 3
