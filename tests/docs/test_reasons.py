"""Whatever state, reason or refusal the host can tell, an operator finds on one page."""

import ast
import re
from collections.abc import Iterator

import pytest

from nexus.auth import refusal
from nexus.spec.state import ModuleState

from .fences import ROOT

TEXT = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
_CODE = re.compile(r"[a-z]+(_[a-z]+)*")


def codes() -> set[str]:
    """Gives every code that the source gives a reason."""
    return {code for file in (ROOT / "nexus").rglob("*.py") for code in codes_in(ast.parse(file.read_text()))}


def codes_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) in {"Reason", "StartFailed"} and node.args:
            yield from constants(node.args[0])
        elif isinstance(node, ast.keyword | ast.Assign) and "code" in named(node):
            yield from constants(node.value)


def named(node: ast.keyword | ast.Assign) -> list[str | None]:
    return [node.arg] if isinstance(node, ast.keyword) else [ast.unparse(target) for target in node.targets]


def called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def constants(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.IfExp):
        yield from (*constants(value.body), *constants(value.orelse))
    elif isinstance(value, ast.Constant) and isinstance(value.value, str) and _CODE.fullmatch(value.value):
        yield value.value
    elif isinstance(value, ast.JoinedStr) and isinstance(value.values[0], ast.Constant):
        yield f"{value.values[0].value}*"


def told(code: str) -> bool:
    beginning = code.removesuffix("*")
    return f"`{beginning}" in TEXT if code.endswith("*") else f"`{code}`" in TEXT


def test_the_source_has_reasons_at_all():
    assert codes() >= {"import_error", "startup_timeout", "stop_failed", "module_*", "name_clash"}


@pytest.mark.parametrize("code", sorted(codes()))
def test_every_reason_is_explained(code):
    assert told(code)


@pytest.mark.parametrize("state", ModuleState)
def test_every_state_is_explained(state):
    assert f"| `{state}` |" in TEXT


@pytest.mark.parametrize("reason", refusal.Reason)
def test_every_refusal_of_a_token_is_explained(reason):
    assert f"`{reason}`" in TEXT
