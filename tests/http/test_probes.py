from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from nexus.http import probes
from nexus.http.host_routes import HostRoutes
from nexus.spec.access import PUBLIC
from nexus.spec.errors import Problem
from nexus.spec.route import Route
from nexus.spec.state import ModuleState, Reason
from tests.http.conftest import AUTHORIZED, serving
from tests.http.standin import Health
from tests.http.test_dispatch import told

ALL = ("/livez", "/readyz", "/startupz")
SECRET = "hunter2-hunter2"


async def allowed(request):
    if request.headers.get("Authorization") == "broken":
        raise Problem(503, "no keys")
    return "Authorization" in request.headers


@pytest.fixture
async def running(host):
    routes = HostRoutes()
    probes.add(routes, host, allowed)
    async with serving(host, routes) as it:
        yield it


def result(**changes):
    known = {
        "module": "hello",
        "name": "disk",
        "status": "fail",
        "critical": True,
        "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "duration": 0.1,
        "output": f"no space at {SECRET}",
        "observed": {"free": 3},
    }
    return SimpleNamespace(**{**known, **changes})


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize(("status", "code"), [("pass", 200), ("warn", 200), ("fail", 503)])
async def test_anyone_learns_the_status_and_nothing_else(host, running, path, status, code):
    host.live = host.ready = host.up = Health(status, (Reason("draining", SECRET),))

    answer = await running.ask("GET", path)

    assert (answer.status, answer.json) == (code, {"status": status})
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert (await running.ask("HEAD", path)).status == code


@pytest.mark.parametrize("path", ALL)
async def test_who_may_see_details_sees_them_scrubbed(host, running, path):
    host.scrubber.register(SECRET)
    host.add("hello", Route(method="GET", path="/hi", handler=told, access=PUBLIC), state=ModuleState.DEGRADED)
    host.live = host.ready = host.up = Health("fail", (Reason("check_failed", f"disk: {SECRET}"),))
    host.health = SimpleNamespace(
        results=lambda: (
            result(),
            result(name="ok", status="pass", output=None, observed=None),
            result(name="old", status="unknown", at=None, output=None),
        )
    )

    answer = await running.ask("GET", path, headers=AUTHORIZED)

    assert answer.headers["Content-Type"].startswith("application/health+json")
    assert (answer.json["status"], answer.json["notes"]) == ("fail", ["check_failed: disk: ******"])
    assert answer.json["checks"]["hello:disk"] == [
        {
            "componentType": "component",
            "status": "fail",
            "time": "2026-01-02T03:04:05.000Z",
            "output": "no space at ******",
            "observedValue": {"free": 3},
            "affectedEndpoints": ["/m/hello/hi"],
        }
    ]
    assert answer.json["checks"]["hello:ok"][0].keys() == {"componentType", "status", "time"}
    assert answer.json["checks"]["hello:old"][0]["status"] == "warn"
    assert answer.json["checks"]["hello:old"][0]["output"] == "no recent result"


async def test_a_probe_answers_without_details_where_nobody_can_tell_who_asks(running):
    answer = await running.ask("GET", "/readyz", headers={"Authorization": "broken"})

    assert (answer.status, answer.json) == (200, {"status": "pass"})
