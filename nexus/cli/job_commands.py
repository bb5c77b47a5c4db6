"""`nexus jobs`: of the running host, or of what the configuration would load; and the actions on one job."""

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from nexus.cli.console import emit, emit_json, emit_table, plain, say
from nexus.cli.failure import ExitCode, Failed
from nexus.cli.instants import shown_distance, shown_instant
from nexus.cli.options import Target, as_json, offline, remote

if TYPE_CHECKING:
    from nexus.cli.remote import HostClient

Above = tuple[Target, bool]
"""What stands before the subcommand: the target and whether JSON is wanted."""

_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")
"""What the API takes as an Idempotency-Key."""


@click.group(invoke_without_command=True)
@remote
@offline
@as_json
@click.pass_context
def jobs(context: click.Context, /, target: Target, offline: bool, json_wanted: bool) -> None:
    """List all jobs with their schedules, their next and their last runs."""
    if context.invoked_subcommand is not None:
        if offline:
            raise click.UsageError(
                f"--offline lists what would be loaded: 'nexus jobs {context.invoked_subcommand}' needs a host"
            )
        context.obj = (target, json_wanted)
        return
    found = _every(target, offline=offline)
    if json_wanted:
        emit_json(found)
        return
    now = datetime.now(UTC)
    rows = [
        (
            job["module"],
            job["name"],
            job["state"].replace("_", " "),
            _schedule(job),
            _next(job, now),
            (job["last_run"] or {}).get("status", ""),
        )
        for job in found
    ]
    emit_table(("MODULE", "JOB", "STATE", "SCHEDULE", "NEXT RUN", "LAST RUN"), rows)


def _read_options(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    """Gives the options by key; a value that is no JSON is text."""
    found: dict[str, Any] = {}
    for given in values:
        key, sign, value = given.partition("=")
        if not sign or not key:
            raise click.BadParameter(f"{given!r} is no option: write key=value, as in days=30", context, parameter)
        if key in found:
            raise click.BadParameter(f"{key!r} is given twice: keep one of the two", context, parameter)
        found[key] = _value(value)
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return text


def _refuse_constant(_name: str) -> None:
    raise ValueError  # NaN and Infinity are Python's, not JSON's


@jobs.command(short_help="Run a job now.")
@click.argument("module")
@click.argument("job")
@click.option(
    "-o",
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_read_options,
    help="An option of the job, over the configured one; JSON where the value is JSON, else text.",
)
@click.option("--wait", is_flag=True, help="Wait for the end, and print the result; exit 1 where it is no success.")
@click.option("--idempotency-key", metavar="K", help="The same key means the same run: asking again is harmless.")
@remote
@as_json
@click.pass_obj
def run(
    above: Above,
    /,
    *,
    module: str,
    job: str,
    options: dict[str, Any],
    wait: bool,
    idempotency_key: str | None,
    target: Target,
    json_wanted: bool,
) -> int:
    """Run a job now, and print the run's id, or with --wait its result as JSON.

    Ctrl-C ends the waiting, not the run.
    """
    from nexus.cli.run_wait import exit_code, wait_for

    if idempotency_key is not None and not _KEY.fullmatch(idempotency_key):
        raise Failed("--idempotency-key takes 1 to 200 visible ASCII characters", ExitCode.USAGE)
    client = _client(target, above)
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key is not None else {}
    started = client.post(_path(module, job), body=options, headers=headers, missing=_missing(module, job))
    if not wait:
        emit_json(started) if json_wanted or above[1] else emit(plain(started["id"]))
        return ExitCode.OK
    ended = wait_for(client, started)
    if json_wanted or above[1]:
        emit_json(ended)
    elif ended["status"] == "succeeded":
        emit_json(ended["result"])
    return exit_code(ended)


@jobs.command(short_help="Let a job's schedule rest; it can still be run.")
@click.argument("module")
@click.argument("job")
@remote
@as_json
@click.pass_obj
def pause(above: Above, /, module: str, job: str, target: Target, json_wanted: bool) -> None:
    """Let a job's schedule rest, on every replica and over restarts; it can still be run."""
    _set(module, job, "pause", _client(target, above), json_wanted=json_wanted or above[1])


@jobs.command()
@click.argument("module")
@click.argument("job")
@remote
@as_json
@click.pass_obj
def resume(above: Above, /, module: str, job: str, target: Target, json_wanted: bool) -> None:
    """Let a job's schedule go on from now."""
    _set(module, job, "resume", _client(target, above), json_wanted=json_wanted or above[1])


def _set(module: str, job: str, action: str, client: "HostClient", *, json_wanted: bool) -> None:
    found = client.post(f"{_path(module, job)}/{action}", missing=_missing(module, job))
    if json_wanted:
        emit_json(found)
        return
    told = f"job {job} of module {module}: {found['state'].replace('_', ' ')}"
    due = _next(found, datetime.now(UTC))
    say(f"{told}, next run {due}" if due else told)


def _every(target: Target, *, offline: bool) -> list[dict[str, Any]]:
    if offline:
        from nexus.cli.offline import look_or_fail
        from nexus.cli.offline_jobs import jobs_json

        return jobs_json(look_or_fail(target.files, target.environment))
    from nexus.cli.remote import HostClient

    return list(HostClient(target).get("/api/jobs"))


def _client(target: Target, above: Above) -> "HostClient":
    from nexus.cli.remote import HostClient

    return HostClient(target.or_else(above[0]))


def _path(module: str, job: str) -> str:
    from nexus.cli.remote import segment

    missing = _missing(module, job)
    return f"/api/modules/{segment(module, missing=missing)}/jobs/{segment(job, missing=missing)}"


def _missing(module: str, job: str) -> str:
    return f"there is no job {job!r} of a module {module!r}: 'nexus jobs' lists them all"


def _schedule(job: dict[str, Any]) -> str:
    if job["schedule"] is None:
        return ""
    return str(job["schedule"]) if job["timezone"] == "UTC" else f"{job['schedule']} {job['timezone']}"


def _next(job: dict[str, Any], now: datetime) -> str:
    due = job["next_run_at"]
    return f"{shown_distance(due, now)} ({shown_instant(due)})" if due is not None else ""
