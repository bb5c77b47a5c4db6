"""`nexus check`: every mistake in the configuration in one run, and nothing is started."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nexus.cli.console import emit_json, plain, problem_line, say
from nexus.cli.failure import ExitCode
from nexus.cli.options import as_json, configured

if TYPE_CHECKING:
    from nexus.cli.offline import Outlook
    from nexus.config.problem import Problem


@click.command()
@configured
@click.option("--strict", is_flag=True, help="Warnings are errors.")
@click.option("--online", is_flag=True, help="Also ask the issuers.")
@click.option("-v", "--verbose", is_flag=True, help="Also show the tracebacks of modules' own faults.")
@as_json
def check(
    *,
    files: tuple[Path, ...],
    environment: str | None,
    strict: bool,
    online: bool,
    verbose: bool,
    json_wanted: bool,
) -> int:
    """Tell every mistake in the configuration, each with file, line and remedy; start nothing.

    Exit code 3 where there is an error, or with --strict a warning.
    """
    from nexus.cli.auth_settings_check import auth_problems
    from nexus.cli.offline import look

    outlook = look(files, environment, verbose=verbose)
    found = sorted([*outlook.problems, *auth_problems(outlook)], key=_place)
    asked = _asked_online(outlook) if online and outlook.prepared.settings is not None else []
    scrub = outlook.prepared.scrubber.scrub
    if json_wanted:
        emit_json(_report(outlook, [*found, *asked]))
    else:
        for problem in (*found, *asked):
            say(plain(scrub(problem_line(problem))))
    if _is_bad(found, strict=strict):
        return ExitCode.CONFIG
    if _is_bad(asked, strict=strict):
        return ExitCode.FAILED
    if not json_wanted:
        say(_summary(outlook))
    return ExitCode.OK


def _place(problem: "Problem") -> tuple[str, int]:
    """Files first, each from its top; then what comes from elsewhere."""
    origin = problem.origin
    is_file = origin is not None and origin.kind == "file"
    return (origin.source if origin and is_file else "\uffff", (origin.line if origin else None) or 0)


def _is_bad(problems: "list[Problem]", *, strict: bool) -> bool:
    return any(strict or problem.level == "error" for problem in problems)


def _report(outlook: "Outlook", problems: "list[Problem]") -> dict[str, Any]:
    scrub = outlook.prepared.scrubber.scrub
    return {
        "valid": not _is_bad(problems, strict=False),
        "files": [str(file) for file in outlook.prepared.loaded.files],
        "problems": [
            {
                "level": problem.level,
                "origin": str(problem.origin) if problem.origin else None,
                "file": problem.origin.source if problem.origin and problem.origin.kind == "file" else None,
                "line": problem.origin.line if problem.origin else None,
                "path": problem.path,
                "message": scrub(problem.message),
            }
            for problem in problems
        ],
    }


def _summary(outlook: "Outlook") -> str:
    from nexus.spec.state import ModuleState

    names = [name for name, each in outlook.modules.items() if each.record.state is ModuleState.STARTING]
    files = ", ".join(str(file) for file in outlook.prepared.loaded.files) or "no file, so the defaults"
    return f"the configuration is valid ({files}); modules that run: {', '.join(names) or 'none'}"


def _asked_online(outlook: "Outlook") -> "list[Problem]":
    from nexus.cli.issuer_probe import examine
    from nexus.config.problem import Problem
    from nexus.config.state_dir import state_directory

    settings = outlook.prepared.settings
    auth = settings.global_.auth if settings else None
    if auth is None or not auth.all_issuers():
        return []
    origin = outlook.prepared.loaded.tree.origin(("global", "auth"))
    state_dir = state_directory(outlook.prepared.loaded, os.environ)
    examination = examine(auth, state_dir)
    found = []
    for report in examination.issuers:
        found += [Problem(origin, "global.auth", message) for message in report.failures]
        found += [Problem(origin, "global.auth", message, "warning") for message in report.warnings]
    return found
