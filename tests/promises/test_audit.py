"""Who did what, and who could, is on stderr, whatever else an operator wants to read there."""

import signal

from .served import served

CONFIG = """
[global.log]
level = "error"
[modules.liveness]
"""


async def test_decisions_and_actions_are_told_at_every_level_of_the_log(tmp_path):
    async with served(tmp_path, CONFIG) as host:
        await host.until((tmp_path / "stdout").read_text)
        assert (await host.get("/api/version", permissions=("admin",)))[0] == 200
        assert (await host.get("/api/version"))[0] == 401
        host.signal(signal.SIGHUP)
        await host.until(lambda: host.log(event="audit", action="reload"))
        assert await host.stop() == 0

        lines = host.log(event="audit")

    assert [(line["action"], line["target"], line["decision"]) for line in lines] == [
        ("api.read", "GET /api/version", "allowed"),
        ("api.read", "GET /api/version", "refused"),
        ("reload", "SIGHUP", "allowed"),
    ]
    assert [line["subject"] for line in lines] == ["tester", None, None]
    assert host.log() == lines


async def test_a_host_says_at_its_start_that_the_local_issuer_serves_beside_another(tmp_path):
    auth = '[global.auth]\nissuer = "http://127.0.0.1:1/"\naudience = "a"\nlocal = true\n'
    async with served(tmp_path, auth + CONFIG.replace("error", "warning")) as host:
        await host.until(lambda: host.log(event="auth.exposed"))
        assert await host.stop() == 0
