"""What the uptime module promises, with a real service and real runs of its job."""

import asyncio
import json
import socket

import pytest

from nexus.config.loading import Loaded
from nexus.config.tree import Tree


async def test_a_target_that_answers_is_up(service, watching):
    host = await watching({"name": "shop", "url": service.url()})

    run = await host.probe()

    assert (run.status, run.result) == ("succeeded", {"probed": 1, "changed": ["shop"], "down": []})
    shop = await host.target()
    assert (shop["state"], shop["failures"], shop["availability"]) == ("up", 0, 1.0)
    assert shop["results"][0]["status"] == 200
    assert 0 < shop["latency"]["median"] == shop["results"][0]["seconds"] < 10
    assert shop["since"] == shop["results"][0]["at"]


async def test_the_routes_want_a_token(service, watching):
    host = await watching({"name": "shop", "url": service.url()})

    for path in ("/m/uptime/targets", "/m/uptime/targets/shop"):
        assert (await host.host.get(path)).status == 401


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/", "status 503 instead of 200-299"),
        ("/hangs", "no answer within 0.2 s"),
        ("/drops", "it closed the connection without an answer"),
        ("/moved", "status 302 instead of 200-299"),
    ],
)
async def test_a_target_that_fails_is_down_and_the_reason_says_why(service, watching, path, reason):
    service.status = 503
    host = await watching({"name": "shop", "url": service.url(path), "timeout": 0.2})

    run = await host.probe()

    assert (run.status, run.result["down"]) == ("succeeded", ["shop"])
    shop = await host.target()
    assert (shop["state"], shop["availability"], shop["latency"]) == ("down", 0.0, None)
    assert shop["results"][0]["reason"] == reason


async def test_a_port_where_nobody_listens_is_down(watching):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: nobody else takes it meanwhile
        host = await watching({"name": "shop", "url": f"http://127.0.0.1:{held.getsockname()[1]}/"})
        await host.probe()

    assert (await host.target())["results"][0]["reason"] == "no connection: Connection refused"


async def test_no_tls_where_tls_is_expected_is_down(service, watching):
    host = await watching({"name": "shop", "url": service.url().replace("http:", "https:")})

    await host.probe()

    assert (await host.target())["results"][0]["reason"].startswith("no TLS connection")


async def test_a_redirection_is_followed_where_that_is_set_and_not_for_ever(service, watching):
    host = await watching(
        {"name": "moved", "url": service.url("/moved"), "follow_redirects": True},
        {"name": "loop", "url": service.url("/loop"), "follow_redirects": True},
        {"name": "expected", "url": service.url("/moved"), "expected": 302},
    )

    await host.probe()

    assert {each["name"]: each["state"] for each in (await host.targets())["targets"]} == {
        "moved": "up",
        "loop": "down",
        "expected": "up",
    }
    assert (await host.target("loop"))["results"][0]["reason"] == "it redirects more than 5 times"


async def test_a_body_without_an_end_holds_nothing_up(service, watching):
    host = await watching({"name": "shop", "url": service.url("/endless")})

    run = await host.probe()

    assert run.status == "succeeded"
    assert (await host.target())["state"] == "up"


async def test_head_is_sent_where_it_is_set_and_no_packed_body_is_asked_for(service, watching):
    host = await watching({"name": "shop", "url": service.url(), "method": "HEAD"})

    await host.probe()

    assert (await host.target())["state"] == "up"
    assert service.headers[0]["Accept-Encoding"] == "identity"


async def test_no_more_targets_are_asked_at_once_than_is_set(service, watching):
    service.crowd = 3
    targets = [{"name": f"t{number}", "url": service.url("/gathers")} for number in range(9)]
    host = await watching(*targets, concurrency=3)

    run = await host.probe()

    assert run.result["probed"] == 9
    assert (await host.targets())["up"] == 9
    assert service.most == 3


async def test_a_run_tells_how_far_it_is(service, watching):
    host = await watching(*({"name": f"t{number}", "url": service.url()} for number in range(3)))

    run = await host.probe()

    assert (run.progress.done, run.progress.total) == (3, 3)


async def test_a_run_may_probe_some_of_the_targets(service, watching):
    host = await watching({"name": "shop", "url": service.url()}, {"name": "till", "url": service.url()})

    run = await host.probe("till")

    assert run.result["probed"] == 1
    assert [each["state"] for each in (await host.targets())["targets"]] == ["unknown", "up"]


async def test_a_run_for_a_target_that_is_not_there_fails_and_names_the_others(service, watching):
    host = await watching({"name": "shop", "url": service.url()})

    run = await host.probe("shop", "shpo")

    assert run.status == "failed"
    assert run.error.message == "there is no target 'shpo': the configured ones are shop"
    assert service.asked == 0


async def test_a_target_is_down_after_so_many_failures_in_a_row_and_up_after_one_success(service, watching):
    host = await watching({"name": "shop", "url": service.url()}, failures_before_down=2)
    states = []

    for status in (200, 500, 200, 500, 500, 500, 200):
        service.status = status
        await host.probe()
        states.append((await host.target())["state"])

    assert states == ["up", "up", "up", "up", "down", "down", "up"]
    shop = await host.target()
    assert shop["availability"] == round(3 / 7, 4)
    assert [each["status"] for each in shop["results"]] == [200, 500, 500, 500, 200, 500, 200]


async def test_other_modules_hear_when_a_target_changes_and_only_then(service, watching):
    host = await watching({"name": "shop", "url": service.url()})

    for status in (200, 200, 500, 500, 200):
        service.status = status
        await host.probe()

    assert [(event.module, event.type) for event in host.listener.heard] == [("uptime", "target.changed")] * 3
    assert host.told() == [
        {"name": "shop", "from": "unknown", "to": "up", "reason": None},
        {"name": "shop", "from": "up", "to": "down", "reason": "status 500 instead of 200-299"},
        {"name": "shop", "from": "down", "to": "up", "reason": None},
    ]


async def test_no_more_results_are_kept_than_is_set(service, watching):
    host = await watching({"name": "shop", "url": service.url()}, keep=2)

    for status in (500, 200, 200):
        service.status = status
        await host.probe()

    shop = await host.target()
    assert [each["status"] for each in shop["results"]] == [200, 200]
    assert shop["availability"] == 1.0


async def test_the_list_shows_the_last_results_and_the_counts(service, watching):
    host = await watching({"name": "shop", "url": service.url()}, {"name": "till", "url": service.url()})

    for _ in range(7):
        await host.probe("shop")

    shown = await host.targets()
    assert (shown["up"], shown["down"], shown["unknown"]) == (1, 0, 1)
    assert [len(each["results"]) for each in shown["targets"]] == [5, 0]
    assert shown["targets"][1]["availability"] is None


async def test_a_target_that_is_not_configured_is_not_found(service, watching):
    host = await watching({"name": "shop", "url": service.url()})

    answer = await host.host.get("/m/uptime/targets/shpo", permissions=())

    assert answer.status == 404
    assert "the configured ones are shop" in answer.json()["detail"]


async def test_without_targets_the_module_runs_and_says_so(watching):
    host = await watching()

    run = await host.probe()

    assert run.result == {"probed": 0, "changed": [], "down": []}
    assert "no targets are configured" in (await host.targets())["note"]
    await host.host.wait_until(lambda: check(host).status == "pass")
    assert "no targets are configured" in check(host).observed["note"]


async def test_the_check_names_what_is_down_and_is_a_warning(service, watching):
    service.status = 500
    host = await watching({"name": "shop", "url": service.url()}, {"name": "till", "url": service.url()})
    await host.probe("till")

    # the check's interval is longer than a test: a reload starts the module, and the check, anew
    await reload(host, [{"name": "shop", "url": service.url()}, {"name": "till", "url": service.url()}], keep=50)
    await host.host.wait_until(lambda: check(host).status == "fail")

    assert check(host).output == "RuntimeError: down: till"
    assert (await host.host.get("/readyz")).json() == {"status": "warn"}


async def test_what_was_found_outlives_a_restart_of_the_module_for_targets_that_stay_the_same(service, watching):
    service.status = 500
    targets = [{"name": "shop", "url": service.url()}, {"name": "till", "url": service.url()}]
    host = await watching(*targets)
    await host.probe()
    before = host.host.module("uptime").instance
    json.dumps(await before.context.cache.get("target:shop"))  # as Redis wants it

    targets[1]["expected"] = 500
    await reload(host, targets)

    assert host.host.module("uptime").instance is not before
    shop, till = (await host.targets())["targets"]
    assert (shop["state"], shop["failures"], len(shop["results"])) == ("down", 1, 1)
    assert (till["state"], till["results"]) == ("unknown", [])


async def test_a_run_that_is_cancelled_leaves_no_probe_behind(service, watching):
    host = await watching({"name": "shop", "url": service.url("/hangs"), "timeout": 60})
    engine = host.host.host.jobs.engine
    run = await engine.trigger("uptime", "probe", {}, by="tester")
    await host.host.wait_until(lambda: service.asked == 1)

    await engine.cancel(run.id, by="tester")

    assert (await engine.wait(run.id, 60)).status == "cancelled"
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("uptime ")]
    assert (await host.target())["results"] == []


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ({"name": "a b", "url": "http://x.example"}, "targets[0].name"),
        ({"name": "a", "url": "ftp://x.example"}, "is no URL of a web service"),
        ({"name": "a", "url": "http://"}, "is no URL"),
        ({"name": "a", "url": "http://x.example:99999"}, "is no URL"),
        ({"name": "a", "url": "http://ann:canary-word@x.example"}, "holds a user or password"),
        ({"name": "a", "url": "http://x.example", "expected": "2xx"}, "is neither a status nor a range"),
        ({"name": "a", "url": "http://x.example", "expected": "299-200"}, "ends before it begins"),
        ({"name": "a", "url": "http://x.example", "timeout": 0}, "targets[0].timeout"),
        ({"name": "a", "url": "http://x.example", "method": "POST"}, "targets[0].method"),
    ],
)
async def test_a_target_that_cannot_be_watched_is_told_to_the_operator(nexus_host, target, says):
    host = await nexus_host(config={"modules": {"uptime": {"config": {"targets": [target]}}}})

    status = host.module("uptime").status

    assert status.state == "invalid_config"
    assert says in status.reason.message
    assert "canary-word" not in status.reason.message


async def test_two_targets_of_one_name_and_no_targets_at_all_are_told(nexus_host):
    twice = [{"name": "a", "url": "http://x.example"}, {"name": "a", "url": "http://y.example"}]

    for config, says in (({"targets": twice}, "two targets of one name (a)"), ({}, "targets")):
        host = await nexus_host(config={"modules": {"uptime": {"config": config}}})
        assert host.module("uptime").status.state == "invalid_config"
        assert says in host.module("uptime").status.reason.message


def check(host):
    return next(each for each in host.host.host.health.results() if each.module == "uptime")


async def reload(host, targets, **settings):
    tree = Tree()
    tree.merge({"global": {"server": {"host": "127.0.0.1", "port": 0}}}, {})
    config = {"targets": targets, "failures_before_down": 1, **settings}
    tree.merge({"modules": {"uptime": {"config": config}, "listener": {}}}, {})
    inner = host.host.host
    report = await inner.reload(Loaded(tree, (), (), inner.loaded.directory))
    await host.host.wait_for("uptime", "running")
    return report
