"""The files of a new module, made of templates: what is written passes its own tests unedited."""

import importlib.metadata
import importlib.resources
from collections.abc import Mapping
from pathlib import Path
from string import Template

from nexus.cli.failure import ExitCode, Failed
from nexus.spec.errors import InvalidDeclaration
from nexus.spec.names import check_module_name


def write_module(name: str, folder: Path, *, as_package: bool) -> tuple[Path, ...]:
    """Writes a new module below `folder` and gives the files.

    Args:
        name: the module's.
        folder: what holds it; made where it is not there.
        as_package: write a distribution with an entry point in place of a folder module.

    Raises:
        Failed: the name is not usable, its place is taken or cannot be written.
    """
    words = _words(name, folder)
    root = folder / (words["distribution"] if as_package else words["python_name"])
    texts = _package(words) if as_package else _folder(words)
    if root.exists():
        raise Failed(f"{root} is there already: choose another name, or another folder with --path")
    try:
        root.mkdir(parents=True)
        for place, text in texts.items():
            file = root / place
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failed(
            f"{root} cannot be written ({error.strerror}): choose another folder with --path, or check its permissions"
        ) from None
    return tuple(root / place for place in texts)


def _words(name: str, folder: Path) -> dict[str, str]:
    try:
        check_module_name(name)
    except InvalidDeclaration as error:
        raise Failed(str(error), ExitCode.USAGE) from None
    python_name = name.replace("-", "_")
    return {
        "name": name,
        "python_name": python_name,
        "package": f"nexus_{python_name}",
        "distribution": f"nexus-{name.replace('_', '-')}",
        "variable": f"{python_name}_api_key".upper(),
        "path": folder.as_posix(),
        "host_version": importlib.metadata.version("nexus-host"),
    }


def _folder(words: Mapping[str, str]) -> dict[str, str]:
    return {
        "module.py": _filled("module.py", words),
        f"tests/test_{words['python_name']}.py": _filled("folder/test.py", words) + _filled("tests", words),
        "README.md": _filled("folder/README.md", words),
    }


def _package(words: Mapping[str, str]) -> dict[str, str]:
    package = words["package"]
    return {
        "pyproject.toml": _filled("package/pyproject.toml", words),
        "README.md": _filled("package/README.md", words),
        f"{package}/__init__.py": _filled("package/init.py", words),
        f"{package}/module.py": _filled("module.py", words),
        f"tests/test_{words['python_name']}.py": _filled("package/test.py", words) + _filled("tests", words),
    }


def _filled(template: str, words: Mapping[str, str]) -> str:
    text = importlib.resources.files("nexus.cli").joinpath("templates", f"{template}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(words)
