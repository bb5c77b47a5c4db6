"""`nexus module check PATH`: lint and conformance of a module's code, before it runs anywhere."""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from nexus.cli.console import emit_json, plain, problem_line, say
from nexus.cli.failure import ExitCode
from nexus.cli.options import as_json


@click.group()
def module() -> None:
    """Check a module's code before it runs anywhere."""


@module.command(short_help="Check the module at PATH.")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Warnings are errors.")
@as_json
def check(path: Path, strict: bool, json_wanted: bool) -> int:
    """Check the module at PATH: imports, what it declares, names, docstrings and the schema of its settings.

    PATH is a module's file, its folder, or a project with an entry point. The code is imported, nothing is started.
    Exit code 1 where there is an error, or with --strict a warning.
    """
    from nexus.cli.module_conformance import examine
    from nexus.cli.module_lint import lint
    from nexus.cli.module_subject import find_subjects

    subjects = find_subjects(path)
    with _quiet():
        found = [problem for subject in subjects for problem in (*lint(subject), *examine(subject))]
    if json_wanted:
        emit_json(
            [
                {
                    "level": problem.level,
                    "file": problem.origin.source if problem.origin else None,
                    "line": problem.origin.line if problem.origin else None,
                    "module": problem.path or None,
                    "message": problem.message,
                }
                for problem in found
            ]
        )
    else:
        for problem in found:
            say(plain(problem_line(replace(problem, path=""))))
    if any(strict or problem.level == "error" for problem in found):
        return ExitCode.FAILED
    if not json_wanted:
        names = ", ".join(subject.candidate.name for subject in subjects)
        say(f"{names}: fit to run" + (f", {len(found)} warnings" if found else ""))
    return ExitCode.OK


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps tracebacks from the terminal: each would say at length what a finding says in a sentence."""
    logger = logging.getLogger("nexus.discovery")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
