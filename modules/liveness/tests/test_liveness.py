"""What the liveness module promises."""


async def test_whoever_asks_is_told_that_the_host_is_up(nexus_host):
    host = await nexus_host(config={"modules": {"liveness": {}}})

    answer = await host.get("/m/liveness/up")

    assert answer.status == 200
    assert answer.json() == {"message": "up"}
