"""The page of the API shows every resource, and each example has the members that a real host answers with."""

import json
import re

import pytest

from nexus.testing.running_host import running_host

from .fences import ROOT, blocks

PAGE = ROOT / "docs" / "api.md"
EXAMPLES = [block for block in blocks(PAGE) if "answers" in block.words]
OPEN = {"dependencies", "modules", "timing", "paths", "components", "properties", "checks", "config", "refused"}
"""Members whose own members are names that differ from host to host."""

WAITING = """
import nexus
waiting = nexus.Module("waiting", version="1.0.0")

@waiting.startup
async def connect(context):
    raise nexus.NotReady("the till does not answer")
"""


@pytest.fixture
async def host(tmp_path):
    """A host as the page has it: hello with its secret, liveness, and a module that is not ready."""
    (tmp_path / "waiting.py").write_text(WAITING)
    modules = {
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


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: block.words["answers"])
async def test_an_example_has_the_members_of_the_answer(block, host):
    answer = await host.get(block.words["answers"], permissions={"admin"})

    assert answer.status == int(block.words.get("status", "200"))
    example, real = shape(json.loads(block.text)), shape(answer.json())
    assert fits(example, real), f"{block}\nshown: {example}\nreal:  {real}"


async def test_every_resource_has_a_section_and_no_section_is_of_another(host):
    routes = (await host.get("/api/routes", permissions={"admin"})).json()
    served = {f"GET {route['path']}" for route in routes if route["path"].startswith("/api/")}

    assert set(re.findall(r"^## `(GET /api/.+)`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)) == served
