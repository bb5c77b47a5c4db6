"""The page of the API shows every resource, and each example has the members that a real host answers with."""

import json
import re

import pytest

from nexus.testing.running_host import running_host

from .fences import ROOT, blocks

PAGE = ROOT / "docs" / "api.md"
EXAMPLES = [block for block in blocks(PAGE) if "answers" in block.words]
STAND_IN = "RUN"
"""Stands in an example's path for the id of a run that has ended."""

OPEN = {"dependencies", "modules", "timing", "paths", "components", "properties", "checks", "config", "refused"}
"""Members whose own members are names that differ from host to host."""

WAITING = """
import nexus
waiting = nexus.Module("waiting", version="1.0.0")

@waiting.startup
async def connect(context):
    raise nexus.NotReady("the till does not answer")
"""

ARCHIVE = """
import nexus
from pydantic import BaseModel

archive = nexus.Module("archive", version="1.0.0")

class SweepOptions(BaseModel):
    older_than_days: int = 30

async def find(days):
    return [1, 2, 3]

@archive.job("sweep", options=SweepOptions, timeout=60, attempts=3)
async def sweep(context, options):
    found = await context.step("find", find, options.older_than_days)
    context.progress(12, 12, "shelf 12")
    context.logger.warning("threw %d letters away", len(found))
    return {"thrown_away": len(found)}
"""
JOB = {"type": "sweep", "name": "nightly", "schedule": "30 2 * * *", "timezone": "Europe/Berlin"}


@pytest.fixture
async def host(tmp_path):
    """A host as the page has it: hello with its secret, liveness, a module that is not ready, and one with a job."""
    (tmp_path / "waiting.py").write_text(WAITING)
    (tmp_path / "archive.py").write_text(ARCHIVE)
    modules = {
        "archive": {"path": str(tmp_path), "jobs": [{**JOB, "options": {"older_than_days": 90}}]},
        "hello": {"config": {"api_key": {"env": "HELLO_API_KEY"}}},
        "liveness": {},
        "waiting": {"path": str(tmp_path)},
    }
    environ = {"HELLO_API_KEY": "correct-horse"}
    async with running_host(state_dir=tmp_path / "state", config={"modules": modules}, environ=environ) as running:
        await running.wait_until(lambda: all(check.at for check in running.host.health.results()))
        yield running


def shape(value: object) -> object:
    """Gives the members of JSON at every depth, of arrays those of the first element that has any."""
    if isinstance(value, dict):
        return {key: None if key in OPEN else shape(inner) for key, inner in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return None


def fits(example: object, answer: object) -> bool:
    """True where both have the same members; what is empty or null in either tells nothing."""
    if isinstance(example, dict) and isinstance(answer, dict):
        return example.keys() == answer.keys() and all(fits(example[key], answer[key]) for key in example)
    if isinstance(example, list) and isinstance(answer, list):
        return not example or not answer or fits(example[0], answer[0])
    return True


@pytest.fixture
async def run(host):
    """The id of a run that has ended."""
    path, headers = "/api/modules/archive/jobs/nightly", {"Prefer": "wait=20"}
    answer = await host.request("POST", path, permissions={"admin"}, headers=headers)
    assert answer.json()["status"] == "succeeded"
    return answer.json()["id"]


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: f"{block.line}:{block.words['answers']}")
async def test_an_example_has_the_members_of_the_answer(block, host, run):
    path, body = block.words["answers"].replace(STAND_IN, run), block.words.get("body")
    headers = {"Content-Type": "application/json"} if body else None
    method = block.words.get("method", "GET")
    answer = await host.request(method, path, permissions={"admin"}, headers=headers, data=body)

    assert answer.status == int(block.words.get("status", "200")), answer.text
    example, real = shape(json.loads(block.text)), shape(answer.json())
    assert fits(example, real), f"{block}\nshown: {example}\nreal:  {real}"


async def test_every_resource_has_a_section_and_no_section_is_of_another(host):
    routes = (await host.get("/api/routes", permissions={"admin"})).json()
    own = [route for route in routes if route["path"].startswith("/api/")]
    served = {f"{method} {route['path']}" for route in own for method in route["methods"] if method != "HEAD"}

    assert set(re.findall(r"^## `([A-Z]+ /api/.+)`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)) == served
