"""`nexus version`: what is installed here."""

import importlib.metadata
import platform
import re
from typing import Final

import click

from nexus.cli.console import emit, emit_json
from nexus.cli.options import as_json

_DISTRIBUTION: Final = "nexus-host"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@click.command()
@as_json
def version(json_wanted: bool) -> None:
    """Show the versions of Nexus, of Python and of what Nexus depends on."""
    own = importlib.metadata.version(_DISTRIBUTION)
    dependencies = _dependencies()
    if json_wanted:
        emit_json({"version": own, "python": platform.python_version(), "dependencies": dependencies})
        return
    emit(f"nexus {own}")
    emit(f"python {platform.python_version()}")
    for name, installed in dependencies.items():
        emit(f"{name} {installed}")


def _dependencies() -> dict[str, str]:
    required = importlib.metadata.requires(_DISTRIBUTION) or []
    names = [found[0] for text in required if "extra ==" not in text and (found := _NAME.match(text))]
    return {name: importlib.metadata.version(name) for name in sorted(names)}
