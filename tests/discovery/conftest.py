"""Real folders of modules and really installed distributions, each test with its own."""

import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from nexus.config.settings import HostSettings
from nexus.discovery.catalog import Catalog, discover

GOOD = """
import nexus

{attribute} = nexus.Module({name!r}, version="1.0.0", description="Is well.")

@{attribute}.get("/", access=nexus.PUBLIC)
async def root(request):
    \"\"\"Answer.\"\"\"
"""


def good(name: str) -> str:
    """Source of a module that loads."""
    return GOOD.format(name=name, attribute=name.replace("-", "_"))


class Place:
    """A configuration's folder with `my_modules` in it, an import path of its own and a folder of shipped modules."""

    def __init__(self, directory: Path, prepend: Callable[[str], None]) -> None:
        self.directory = directory
        self.folder = directory / "my_modules"
        self.shipped = directory / "shipped"
        self.site = directory / "site"
        for made in (self.folder, self.shipped, self.site):
            made.mkdir()
        prepend(str(self.site))

    def write(self, path: str, source: str, *, into: Path | None = None) -> Path:
        file = (into or self.folder) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(source))
        return file

    def ship(self, name: str) -> None:
        self.write(f"{name}/module.py", good(name), into=self.shipped)

    def install(
        self,
        distribution: str,
        entry_points: str,
        *,
        files: Mapping[str, str] = {},
        version: str = "1.2",
        requires: tuple[str, ...] = (),
        extra: str = "",
    ) -> None:
        """Does what an installer does: the files, and a `.dist-info` folder beside them."""
        for path, source in files.items():
            self.write(path, source, into=self.site)
        info = self.site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {distribution}", f"Version: {version}", "Summary: Does things."]
        lines += [f"Requires-Dist: {requirement}" for requirement in requires]
        lines += [extra] if extra else []
        (info / "METADATA").write_text("\n".join(lines) + "\n")
        (info / "entry_points.txt").write_text(f"[nexus.modules]\n{entry_points}\n")

    def discover(self, tables: Mapping[str, object], **options: object) -> Catalog:
        settings = HostSettings.model_validate({"modules": tables})
        return discover(settings, directory=self.directory, shipped=self.shipped, **options)

    def from_folder(self, *names: str, **options: object) -> Catalog:
        return self.discover({name: {"path": "my_modules"} for name in names}, **options)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    before = dict(sys.modules)
    yield Place(tmp_path, monkeypatch.syspath_prepend)
    for name in sys.modules.keys() - before.keys():
        if name.startswith("nexus_") or _lies_in(sys.modules[name], tmp_path):
            del sys.modules[name]


def _lies_in(module: ModuleType, folder: Path) -> bool:
    return (getattr(module, "__file__", None) or "").startswith(str(folder))
