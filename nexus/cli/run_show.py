"""One run, laid out for people."""

import json
from collections.abc import Iterator
from typing import Any

from nexus.cli.console import emit, painted, plain
from nexus.cli.instants import shown_instant, took
from nexus.cli.run_wait import progress_text


def emit_run(run: dict[str, Any]) -> None:
    """Writes how a run stands, and everything that is kept of it."""
    emit(f"run {plain(run['id'])}  {painted(plain(run['status']))}")
    for label, text in _lines(run):
        if text:
            emit(f"{label:<10} {plain(text)}")


def _lines(run: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "job", f"{run['module']} {run['job']}"
    yield "reason", run["reason"] or ""
    by = f" by {run['requested_by']}" if run["requested_by"] else ""
    again = f", of run {run['retry_of']}" if run["retry_of"] else ""
    yield "trigger", f"{run['trigger']}{by}{again}"
    for label, key in (("due", "scheduled_for"), ("queued", "queued_at"), ("started", "started_at")):
        yield label, shown_instant(run[key])
    lasted = took(run["started_at"], run["finished_at"])
    yield "finished", shown_instant(run["finished_at"]) + (f", after {lasted}" if lasted else "")
    yield "next try", shown_instant(run["next_attempt_at"])
    for attempt in run["history"]:
        yield "attempt", _attempt(attempt, run["attempts"])
    for step in run["steps"]:
        yield "step", _step(step)
    yield "progress", progress_text(run)
    for key, value in run["options"].items():
        yield "option", f"{key} = {_data(value)}"
    if run["status"] == "succeeded":
        yield "result", _data(run["result"])
    yield "error", _error(run["error"])
    if run["log_dropped"]:
        yield "log", f"({run['log_dropped']} older lines are not kept)"
    for line in run["log"]:
        yield "log", line


def _attempt(attempt: dict[str, Any], most: int) -> str:
    lasted = took(attempt["started_at"], attempt["finished_at"])
    told = [f"{attempt['number']} of {most}", attempt["status"] or "without an end"]
    told += [f"after {lasted}"] if lasted else []
    told += [f"on {attempt['replica']}"] if attempt["replica"] else []
    error = _error(attempt["error"])
    return ", ".join(told) + (f": {error}" if error else "")


def _step(step: dict[str, Any]) -> str:
    lasted = took(step["started_at"], step["finished_at"])
    told = f"{step['name']}" + (f", {lasted}" if lasted else "")
    return f"{told}: {step['error']}" if step["error"] else told


def _error(error: dict[str, Any] | None) -> str:
    return f"{error['type']}: {error['message']}" if error else ""


def _data(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
