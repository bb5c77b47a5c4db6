"""What the hello module promises."""

import hashlib
import hmac

import pytest


@pytest.fixture
async def host(nexus_host):
    """A host that runs hello with a greeting and a key of its own."""
    return await nexus_host(
        config={"modules": {"hello": {"config": {"greeting": "moin", "api_key": {"env": "HELLO_API_KEY"}}}}},
        environ={"HELLO_API_KEY": "a-key-for-tests"},
    )


async def test_anyone_is_greeted(host):
    answer = await host.get("/m/hello/hi/Ann")

    assert answer.status == 200
    assert answer.json() == {"message": "moin Ann"}


async def test_a_signed_greeting_needs_the_permission(host):
    assert (await host.get("/m/hello/signed/Ann")).status == 401
    assert (await host.get("/m/hello/signed/Ann", permissions=())).status == 403


async def test_a_greeting_is_signed_with_the_secret_and_for_the_caller(host):
    answer = await host.get("/m/hello/signed/Ann", permissions={"read:signed"})

    signature = hmac.new(b"a-key-for-tests", b"moin Ann", hashlib.sha256).hexdigest()
    assert answer.json() == {"message": "moin Ann", "signature": signature, "for": "tester"}


async def test_without_a_key_a_signed_greeting_says_what_to_set(nexus_host):
    host = await nexus_host(config={"modules": {"hello": {}}})

    answer = await host.get("/m/hello/signed/Ann", permissions={"read:signed"})

    assert answer.status == 409
    assert "api_key" in answer.json()["detail"]


async def test_a_greeting_that_shouts_is_a_warning(nexus_host):
    host = await nexus_host(config={"modules": {"hello": {"config": {"greeting": "HEY"}}}})

    await host.wait_until(lambda: host.host.health.results()[0].status == "fail")

    assert (await host.get("/readyz")).json() == {"status": "warn"}
