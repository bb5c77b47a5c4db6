"""Every piece of Python in the documentation is run: modules by a real host, tests by pytest, the rest as it is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from nexus.testing.running_host import running_host

from .fences import PAGES, Block, blocks

_MANIFEST = "\nimport nexus as _n\n@_n.hookimpl\ndef nexus_manifest(): return _n.Manifest(name='{name}', version='1')\n"


def sources() -> list[pytest.param]:
    """Gives the Python files of every page as they are at its end, and each block without a file by itself."""
    found = []
    for page in PAGES:
        files: dict[str, list[Block]] = {}
        for block in blocks(page):
            if block.language == "python" and "norun" not in block.words:
                files.setdefault(block.words.get("file", f"line {block.line}"), []).append(block)
        found += [pytest.param(parts, id=f"{page.name}:{name}") for name, parts in files.items()]
    return found


@pytest.mark.parametrize("parts", sources())
async def test_the_python_in_the_pages_does_what_it_says(parts, tmp_path):
    source = "".join(part.text for part in parts)
    file = parts[0].words.get("file", "")
    if Path(file).name.startswith("test_") or "tests/" in file:
        return  # a story runs it with pytest
    if "def test_" in source:
        run_tests(source, tmp_path)
    elif "nexus.Module(" in source or "nexus.hookimpl" in source:
        await serve_as_a_module(source, parts[0].words.get("state", "running"), tmp_path)
    else:
        done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def run_tests(source: str, folder: Path) -> None:
    (folder / "test_page.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "test_page.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


async def serve_as_a_module(source: str, state: str, folder: Path) -> None:
    declared = re.search(r"nexus\.(?:Module\(\s*|Manifest\(name=)\"([a-z0-9_-]+)\"", source)
    name = declared[1] if declared else "example"
    if declared is None:
        source += _MANIFEST.format(name=name)
    (folder / f"{name.replace('-', '_')}.py").write_text(source)
    config = {"modules": {name: {"path": str(folder)}}}

    async with running_host(state_dir=folder / "state", config=config, environ={}) as host:
        module = host.module(name)
        assert module.status.state == state, module.status.reason
