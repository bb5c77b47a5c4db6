"""Borders that import-linter cannot see, because modules are loaded by path."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from .installation import ROOT

SHIPPED = sorted(path for path in (ROOT / "modules").rglob("*.py") if "tests" not in path.parts)


def imported(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""


@pytest.mark.parametrize("source", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_shipped_module_uses_only_what_authors_are_promised(source):
    inside = {name for name in imported(source) if name.partition(".")[0] == "nexus"}

    assert inside <= {"nexus", "nexus.testing"}
