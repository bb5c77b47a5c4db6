"""Waiting for a run: its progress on stderr, and what its end means as an exit code."""

import time
from http import HTTPStatus
from typing import Any, Final

from nexus.cli.console import ChangingLine, say
from nexus.cli.failure import ExitCode, Failed
from nexus.cli.instants import shown_instant, shown_seconds, took
from nexus.cli.remote import HostClient

_FIRST_LOOK_S: Final = 0.1
_LOOK_S: Final = 0.5
"""Between two looks at the run: often enough for eyes, and no load for a host."""

_PATIENCE_S: Final = 60.0
"""How long a host may be away: a run outlives a restart, and so does the wait for it."""

_UNDER_WAY: Final = ("queued", "running")


def wait_for(client: HostClient, run: dict[str, Any]) -> dict[str, Any]:
    """Gives the run when it has ended, and shows until then how it goes.

    Raises:
        Failed: the host cannot be asked any more.
        KeyboardInterrupt: somebody waits no longer.
    """
    line, began = ChangingLine(), time.monotonic()
    pause, last_seen = _FIRST_LOOK_S, began
    try:
        while run["status"] in _UNDER_WAY:
            waited = f" ({shown_seconds(time.monotonic() - began)})" if line.is_rewritten else ""
            line.show(f"run {run['id']}: {_told(run)}{waited}")
            time.sleep(pause)
            pause = min(pause * 2, _LOOK_S)
            found = _look(client, run["id"])
            if found is not None:
                run, last_seen = found, time.monotonic()
            else:
                _check_patience(client, time.monotonic() - last_seen)
    except (KeyboardInterrupt, Failed) as error:
        line.clear()
        if not (isinstance(error, Failed) and error.code is ExitCode.NOT_FOUND):
            say(f"the run goes on: 'nexus runs show {run['id']}' shows it, 'nexus runs cancel {run['id']}' ends it")
        raise
    line.clear()
    say(_ended(run))
    return run


def exit_code(run: dict[str, Any]) -> ExitCode:
    """Gives what the end of a run means."""
    return ExitCode.OK if run["status"] == "succeeded" else ExitCode.FAILED


def progress_text(run: dict[str, Any]) -> str:
    """Gives how far a run is, as it told last; empty where it told nothing."""
    progress = run["progress"]
    if progress is None:
        return ""
    done, total = progress["done"], progress["total"]
    share = f" of {total:g} ({done / total:.0%})" if total else ""
    return f"{done:g}{share} {progress['note']}".rstrip()


def _look(client: HostClient, run_id: str) -> dict[str, Any] | None:
    """Gives the run; None while the host is away."""
    try:
        answer = client.ask(f"/api/runs/{run_id}")
    except Failed as error:
        if error.code is not ExitCode.UNREACHABLE:
            raise
        return None
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return None
    return dict(client.value_of(answer, missing=f"run {run_id} is no longer kept"))


def _check_patience(client: HostClient, away_s: float) -> None:
    if away_s > _PATIENCE_S:
        raise Failed(
            f"{client.url} is away since {_PATIENCE_S:.0f} s: start it, and it takes the run up again",
            ExitCode.UNREACHABLE,
        )


def _told(run: dict[str, Any]) -> str:
    words = [run["status"]]
    if run["next_attempt_at"] is not None and run["status"] == "queued":
        words.append(f"attempt {run['attempt'] + 1} of {run['attempts']} at {shown_instant(run['next_attempt_at'])}")
    elif run["attempt"] > 1:
        words.append(f"attempt {run['attempt']} of {run['attempts']}")
    progress = progress_text(run) if run["status"] == "running" else ""
    return ", ".join([*words, progress] if progress else words)


def _ended(run: dict[str, Any]) -> str:
    lasted = took(run["started_at"], run["finished_at"])
    told = f"run {run['id']}: {run['status']}" + (f" after {lasted}" if lasted else "")
    error = run["error"]
    why = run["reason"] or (f"{error['type']}: {error['message']}" if error else "")
    return f"{told}: {why}" if why and run["status"] != "succeeded" else told
