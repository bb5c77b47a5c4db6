"""`nexus runs`: the runs that the host keeps, and the actions on one or on many."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from nexus.cli.console import emit, emit_json, emit_table, plain, say
from nexus.cli.failure import ExitCode
from nexus.cli.instants import shown_instant, took
from nexus.cli.options import Target, WholeNumber, as_json, remote

if TYPE_CHECKING:
    from nexus.cli.remote import HostClient

R = TypeVar("R")

Above = tuple[Target, bool]
"""What stands before the subcommand: the target and whether JSON is wanted."""

_FILTERS: Final = {
    "module": ("M", "Of this module."),
    "job": ("J", "Of this job."),
    "status": ("S", "With this status, or one of several with commas between them."),
    "trigger": ("T", "Started by this: schedule, manual or retry."),
    "text": ("TEXT", "With this in the error, whatever its case."),
    "since": ("INSTANT", "Queued then or later, as in 2026-01-31T08:00:00Z."),
    "until": ("INSTANT", "Queued before then."),
}
"""Query parameter of the API and option of the command alike, with metavar and help."""


def filtered(command: Callable[..., R]) -> Callable[..., R]:
    """Adds the options that choose runs, passed on together as `chosen`."""

    @functools.wraps(command)
    def collected(*args: Any, **others: Any) -> R:
        given = {name: others.pop(name) for name in _FILTERS}
        return command(*args, chosen=[(name, value) for name, value in given.items() if value is not None], **others)

    decorated: Callable[..., R] = collected
    for name, (metavar, told) in reversed(_FILTERS.items()):
        decorated = click.option(f"--{name}", metavar=metavar, help=told)(decorated)
    return decorated


@click.group(invoke_without_command=True)
@filtered
@click.option("--limit", metavar="N", type=WholeNumber(1, 500), help="At most so many; 50 unless given.")
@click.option("--cursor", metavar="C", help="Go on where an earlier list ended.")
@remote
@as_json
@click.pass_context
def runs(
    context: click.Context,
    /,
    *,
    chosen: list[tuple[str, str]],
    limit: int | None,
    cursor: str | None,
    target: Target,
    json_wanted: bool,
) -> None:
    """List runs, newest first."""
    query = [*chosen, *_paging(limit, cursor)]
    if context.invoked_subcommand is not None:
        if query:
            raise click.UsageError(
                f"--{query[0][0]} narrows the list: write it after {context.invoked_subcommand!r} where that takes it"
            )
        context.obj = (target, json_wanted)
        return
    from nexus.cli.remote import HostClient

    page = HostClient(target).get("/api/runs", query=query)
    if json_wanted:
        emit_json(page)
        return
    rows = [
        (
            run["id"],
            run["module"],
            run["job"],
            run["status"],
            run["trigger"],
            shown_instant(run["queued_at"]),
            took(run["started_at"], run["finished_at"]),
        )
        for run in page["runs"]
    ]
    emit_table(("RUN", "MODULE", "JOB", "STATUS", "TRIGGER", "QUEUED", "TOOK"), rows)
    if page["cursor"] is not None:
        say(f"there are more: add --cursor {page['cursor']}")


@runs.command(short_help="Show one run in full.")
@click.argument("run_id", metavar="ID")
@remote
@as_json
@click.pass_obj
def show(above: Above, /, run_id: str, target: Target, json_wanted: bool) -> None:
    """Show one run: how it stands, its attempts, steps, options, result, error and log."""
    from nexus.cli.run_show import emit_run

    found = _client(target, above).get(_path(run_id), missing=_missing(run_id))
    if json_wanted or above[1]:
        emit_json(found)
    else:
        emit_run(found)


@runs.command(short_help="End a run that waits or runs, or many.")
@click.argument("run_id", metavar="[ID]", required=False)
@click.option("--all", "every", is_flag=True, help="End every queued and running run that the options choose.")
@filtered
@remote
@as_json
@click.pass_obj
def cancel(
    above: Above,
    /,
    *,
    run_id: str | None,
    every: bool,
    chosen: list[tuple[str, str]],
    target: Target,
    json_wanted: bool,
) -> int:
    """End a run: one that waits at once, one that runs within about two seconds."""
    _check_choice(run_id, chosen, every=every)
    client, wants_json = _client(target, above), json_wanted or above[1]
    if run_id is None:
        return _act_on_many(client, "cancel", chosen, wants_json=wants_json)
    run = client.post(f"{_path(run_id)}/cancel", missing=_missing(run_id))
    if wants_json:
        emit_json(run)
    elif run["status"] in ("queued", "running"):
        say(f"run {run_id} is being cancelled")
    elif run["status"] == "cancelled":
        say(f"run {run_id} is cancelled")
    else:
        say(f"run {run_id} had ended before: {run['status']}")
    return ExitCode.OK


@runs.command(short_help="Do a run that has ended again, or many.")
@click.argument("run_id", metavar="[ID]", required=False)
@click.option("--all", "every", is_flag=True, help="Retry every failed, timed out or lost run that the options choose.")
@filtered
@remote
@as_json
@click.pass_obj
def retry(
    above: Above,
    /,
    *,
    run_id: str | None,
    every: bool,
    chosen: list[tuple[str, str]],
    target: Target,
    json_wanted: bool,
) -> int:
    """Do a run that has ended again, as a new run with the same options, and print the new one's id."""
    _check_choice(run_id, chosen, every=every)
    client, wants_json = _client(target, above), json_wanted or above[1]
    if run_id is None:
        return _act_on_many(client, "retry", chosen, wants_json=wants_json)
    run = client.post(f"{_path(run_id)}/retry", missing=_missing(run_id))
    emit_json(run) if wants_json else emit(plain(run["id"]))
    return ExitCode.OK


def _check_choice(run_id: str | None, chosen: list[tuple[str, str]], *, every: bool) -> None:
    if run_id is None and not every:
        raise click.UsageError("say which: a run's ID, or --all with --module or another option that chooses runs")
    if run_id is not None and (every or chosen):
        raise click.UsageError("an ID is one run: leave the options that choose many out, or the ID")
    if every and not chosen:
        raise click.UsageError("--all is not every run there is: add --module or another option that chooses runs")


def _act_on_many(client: "HostClient", action: str, chosen: list[tuple[str, str]], *, wants_json: bool) -> int:
    done = refused = 0
    cursor: str | None = None
    while True:
        found = client.post(f"/api/runs/{action}", query=[*chosen, *_paging(None, cursor)])
        done, refused, cursor = done + found["done"], refused + found["refused"], found["cursor"]
        if cursor is None:
            break
    if wants_json:
        emit_json({"done": done, "refused": refused})
    else:
        say(f"{action}: {done} done, {refused} refused")
    return ExitCode.FAILED if refused else ExitCode.OK


def _paging(limit: int | None, cursor: str | None) -> list[tuple[str, str]]:
    given = (("limit", limit), ("cursor", cursor))
    return [(name, str(value)) for name, value in given if value is not None]


def _client(target: Target, above: Above) -> "HostClient":
    from nexus.cli.remote import HostClient

    return HostClient(target.or_else(above[0]))


def _path(run_id: str) -> str:
    from nexus.cli.remote import segment

    return f"/api/runs/{segment(run_id, missing=_missing(run_id))}"


def _missing(run_id: str) -> str:
    return f"there is no run {run_id!r}, or it is no longer kept: 'nexus runs' lists those that are"
