"""Every command and every option of it is on the page of commands, and nothing that there is not."""

import re
from collections.abc import Iterator

import click
import pytest

from nexus.cli.failure import ExitCode
from nexus.cli.root import cli

from .fences import ROOT

TEXT = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## `(nexus [a-z ]+)`\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))


def commands(command: click.Command, name: str = "nexus") -> Iterator[tuple[str, click.Command]]:
    """Gives every command that does something by itself, with its name in full."""
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for each in command.list_commands(context):
            inner = command.get_command(context, each)
            assert inner is not None
            yield from commands(inner, f"{name} {each}")


ALL = dict(commands(cli))


def options(command: click.Command) -> set[str]:
    """Gives the options' spellings that the page has to have."""
    return {name for each in command.params if isinstance(each, click.Option) for name in each.opts}


def test_every_command_has_a_section_and_no_section_is_of_another():
    assert set(SECTIONS) == set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_a_section_has_every_option_of_its_command_and_no_other(name):
    before_the_examples = SECTIONS[name].partition("```")[0]
    shown = {
        word
        for code in re.findall(r"`([^`]+)`", before_the_examples)
        for word in re.findall(r"(?<!\S)--?\w[\w-]*", code)
    }

    taken = options(ALL[name]) | {"--help", "-h"}
    assert shown - taken - {"--offline", "--token", "--package", "--version"} == set()
    assert options(ALL[name]) - {"--help", "-h"} <= shown


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_is_explained(code):
    assert f"| {code.value} |" in TEXT
