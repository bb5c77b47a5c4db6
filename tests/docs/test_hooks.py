"""The page of hooks says what their docstrings say, and both examples run."""

import inspect
import re
import textwrap

import pytest

from nexus.spec import hooks

from .fences import ROOT, blocks

PAGE = ROOT / "docs" / "hooks.md"
HOOKS = {name: hook for name, hook in vars(hooks).items() if name.startswith("nexus_")}


def section(name: str) -> str:
    found = re.search(rf"^## `{name}`\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None, f"{name} has no section"
    return found[1]


def words(text: str) -> str:
    return " ".join(re.sub(r"[*`]", "", text).split())


def test_every_hook_has_a_section_and_no_section_is_of_another():
    assert set(re.findall(r"^## `(\w+)`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)) == set(HOOKS)


@pytest.mark.parametrize("name", HOOKS)
def test_the_page_tells_what_the_docstring_tells(name):
    told, page = inspect.getdoc(HOOKS[name]) or "", words(section(name))

    summary = words(told.partition("\n")[0])
    assert summary.partition(". ")[0].rstrip(".") in page
    assert "Called" in page
    for word in ("once", "each start", "each running module", "start-up timeout", "logged and nothing else"):
        assert (word in words(told)) <= (word in page), word


@pytest.mark.parametrize("name", HOOKS)
def test_the_page_and_the_docstring_show_the_same_example(name):
    docstring = inspect.getdoc(HOOKS[name]) or ""
    shown = re.search(r"```python\n(.*?)```", textwrap.dedent(docstring), re.DOTALL)
    assert shown is not None

    on_the_page = [block.text for block in blocks(PAGE) if f"def {name}(" in block.text]

    assert [textwrap.dedent(text).split() for text in on_the_page] == [shown[1].split()]
