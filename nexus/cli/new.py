"""`nexus new module`: a module that runs and whose tests pass, to be made one's own."""

from pathlib import Path

import click

from nexus.cli.console import emit, emit_json, say
from nexus.cli.options import as_json


@click.group()
def new() -> None:
    """Write the beginning of a new module."""


@new.command(short_help="Write a module whose tests pass unedited.")
@click.argument("name")
@click.option(
    "--path",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder that holds it; my_modules, with --package the working directory.",
)
@click.option("--package", "as_package", is_flag=True, help="Make an installable distribution.")
@as_json
def module(name: str, folder: Path | None, as_package: bool, json_wanted: bool) -> None:
    """Write a module with settings, a public and a protected route, a check and tests that pass unedited."""
    from nexus.cli.scaffold import write_module

    place = folder or Path("." if as_package else "my_modules")
    files = write_module(name, place, as_package=as_package)
    if json_wanted:
        emit_json({"name": name, "files": [str(file) for file in files]})
    else:
        for file in files:
            emit(str(file))
    root = files[0].parent
    if as_package:
        say(f"next: pip install -e {root}, add [modules.{name}] to config.toml, nexus serve; its tests: pytest {root}")
    else:
        say(
            f"next: add [modules.{name}] with path = {place.as_posix()!r} to config.toml, nexus serve; its tests:"
            f" pytest {root}"
        )
