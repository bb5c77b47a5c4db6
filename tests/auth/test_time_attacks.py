"""Attacks by time that are more than one token (C11, C14); the others are in `rows/time_rows.py`."""

import math

import pytest

from nexus.auth.refusal import Refusal


async def test_c11_a_clock_that_is_set_back_revives_a_token(authenticator, issuer, clock):
    token = issuer.mint(ttl=60)
    clock.set_wall(90)
    with pytest.raises(Refusal, match="expired"):
        await authenticator.authenticate(token)

    clock.set_wall(-1)
    assert await authenticator.authenticate(token)


@pytest.mark.parametrize("leeway", [-1, 301, math.nan, math.inf], ids=lambda value: f"C14-{value}")
def test_c14_leeway_out_of_bounds_is_refused_in_the_settings(issuer, leeway):
    with pytest.raises(ValueError, match="leeway"):
        issuer.settings(leeway=leeway)
