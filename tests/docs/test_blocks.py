"""Every block of the documentation is of a kind that is run, or says who runs it."""

import json
import re
import shutil
import tomllib
from pathlib import Path

import pytest

from nexus.config.host_binding import bind_host
from nexus.config.loading import load
from nexus.config.scrubber import Scrubber

from .fences import PAGES, ROOT, RUN, SHOWN, Block, blocks
from .terminal import Terminal, copy_of_the_repository

EVERY = [block for page in PAGES for block in blocks(page)]
RUNNABLE = [block for block in EVERY if "norun" not in block.words]
STORIES = [page for page in PAGES if any(block.language == "console" for block in blocks(page))]


def written_in(*languages: str) -> list[Block]:
    return [block for block in RUNNABLE if block.language in languages]


def named(value: object) -> str:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


@pytest.mark.parametrize("block", EVERY, ids=named)
def test_every_block_says_what_it_is(block):
    assert block.language in RUN | SHOWN
    assert block.words.get("norun", "said") != "", "a block that is not run says who runs it"


@pytest.mark.parametrize("block", written_in("json"), ids=named)
def test_every_json_block_is_json(block):
    json.loads(block.text)


@pytest.mark.parametrize("block", written_in("yaml"), ids=named)
def test_every_yaml_block_is_made_of_mappings_and_lists(block):
    line = re.compile(r"(  )*(- )*([A-Za-z0-9_.\-/]+:( \S.*)?|\S+)")

    assert [text for text in block.text.splitlines() if text and not line.fullmatch(text)] == []


@pytest.mark.parametrize("block", written_in("toml"), ids=named)
def test_every_configuration_in_the_pages_binds_without_a_mistake(block, tmp_path):
    if block.words.get("file", "config.toml").endswith("pyproject.toml"):
        tomllib.loads(block.text)
        return
    text, environ = with_its_sources(as_far_as(block), tmp_path)
    (tmp_path / "config.toml").write_text(text)
    scrubber = Scrubber()

    loaded = load(directory=tmp_path, environ=environ, scrubber=scrubber)

    assert [str(problem) for problem in (*loaded.problems, *bind_host(loaded, scrubber).problems)] == []


def as_far_as(block: Block) -> str:
    """Gives what the file that `block` belongs to holds once it is written."""
    if "append" not in block.words:
        return block.text
    name = block.words["file"]
    earlier = [each for each in blocks(block.page) if each.words.get("file") == name and each.line < block.line]
    first = "" if any("append" not in each.words for each in earlier) else (ROOT / name).read_text()
    return first + "".join(each.text for each in earlier) + block.text


def with_its_sources(text: str, folder: Path) -> tuple[str, dict[str, str]]:
    """Gives the text with every file that it reads made, and the variables that it reads."""
    secret = folder / "secret"
    secret.write_text("correct-horse-battery")
    secret.chmod(0o600)
    text = re.sub(r'(\{ *file *= *)"[^"]*"', rf'\1"{secret}"', text)
    return text, dict.fromkeys(re.findall(r'\{ *env *= *"([^"]+)"', text), "correct-horse-battery")


@pytest.mark.parametrize("page", STORIES, ids=named)
def test_a_reader_who_types_what_a_page_shows_sees_what_it_shows(page, tmp_path):
    assert shutil.which("curl"), "curl is not installed: ./scripts/test installs it"
    folder, home = tmp_path / "work", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    copy_of_the_repository(folder)

    with Terminal(folder, home) as terminal:
        for block in blocks(page):
            if "norun" in block.words:
                continue
            if "file" in block.words:
                file = folder / block.words["file"]
                file.parent.mkdir(parents=True, exist_ok=True)
                before = file.read_text() if "append" in block.words else ""
                file.write_text(before + terminal.local(block.text))
            elif block.language == "console":
                terminal.type(block)
