"""The configuration of the demonstration, and 2,000 runs of the days before."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from nexus.host.host import Host
from nexus.jobs.identity import scheduled_id
from nexus.jobs.run import RunStatus
from nexus.jobs.tables import ATTEMPTS, JOBS, LOGS, RUNS
from scripts.pictures.demo_modules import NAMES

RUNS_KEPT: Final = 2000

_LINES: Final = ("*/15 * * * *", "0 * * * *", "0 6 * * 1-5", "30 7 * * 1", "0 3 * * *")
_ZONES: Final = ("UTC", "Europe/Berlin", "America/New_York")
_ERRORS: Final = (
    ("TimeoutError", "the service did not answer within 10 s"),
    ("HTTPError", "429 Too Many Requests: the limit is 1,000 calls an hour"),
    ("KeyError", "'assignee'"),
    ("PermissionError", "the token lacks the scope 'write:issues'"),
)


def config() -> Mapping[str, Any]:
    """Gives the configuration of the demonstration."""
    modules: dict[str, Any] = {
        name: {"config": {"token": f"demo-secret-of-{name}", "channels": [f"#{name}"]}, "required": name == "directory"}
        for name in NAMES
    }
    for number, name in enumerate(NAMES):
        if len(name) % 3:
            entry: dict[str, Any] = {
                "type": "sync",
                "name": "nightly" if number % 4 == 0 else "sync",
                "schedule": _LINES[number % len(_LINES)],
                "timezone": _ZONES[number % len(_ZONES)],
                "options": {"project": name.upper()[:4], "since_days": 3},
                "paused": name in ("opslevel", "licences"),
            }
            modules[name]["jobs"] = [entry]
    for name in ("wiki-backup", "gitlab"):
        modules[name]["enabled"] = False
    modules["liveness"] = {}
    modules["uptime"] = {
        "config": {
            "targets": [
                {"name": "shop", "url": "https://shop.example.com/up"},
                {"name": "api", "url": "https://api.example.com/health"},
                {"name": "docs", "url": "https://docs.example.com/"},
            ]
        },
        "jobs": [{"type": "probe", "schedule": "0 0 1 1 *"}],
    }
    return {"global": {"name": "nexus-eu-1", "base_url": "https://nexus.example.com"}, "modules": modules}


def fill(host: Host, now: datetime | None = None) -> None:
    """Writes runs of the last days into the store, the same ones each time; blocks."""
    chance = random.Random(7)  # noqa: S311 - decides how a picture looks
    now = now or datetime.now(UTC)
    jobs = sorted(key for key in host.jobs.source.definitions() if key[0] != "uptime")
    engine = host.jobs.engine._database.engine  # noqa: SLF001 - history cannot be made by the front door
    times = sorted(now - timedelta(hours=60 * chance.random() ** 1.6, seconds=90) for _ in range(RUNS_KEPT))
    runs: list[dict[str, Any]] = []
    attempts: list[dict[str, Any]] = []
    logs: list[dict[str, Any]] = []
    for at in times:
        module, job = chance.choice(jobs)
        run = _run(chance, module, job, at)
        runs.append(run)
        attempts += _attempts(run)
        logs.append({"run_id": run["id"], "lines": _log(run), "dropped": 0})
    with engine.begin() as connection:
        connection.execute(sa.insert(RUNS), runs)
        connection.execute(sa.insert(ATTEMPTS), attempts)
        connection.execute(sa.insert(LOGS), logs)
        for module, job in jobs:
            last = next((run["id"] for run in reversed(runs) if (run["module"], run["job"]) == (module, job)), None)
            connection.execute(sa.delete(JOBS).where(JOBS.c.module == module, JOBS.c.job == job))
            connection.execute(sa.insert(JOBS).values(module=module, job=job, last_run_id=last))


def _run(chance: random.Random, module: str, job: str, at: datetime) -> dict[str, Any]:
    bad = 0.35 if module in ("zendesk", "asana") else 0.02
    is_failed = chance.random() < bad
    status = RunStatus.FAILED if is_failed else RunStatus.SUCCEEDED
    if not is_failed and chance.random() < 0.02:
        status = RunStatus.CANCELLED
    seconds = chance.lognormvariate(1.6, 0.8)
    is_manual = chance.random() < 0.06
    kind, message = chance.choice(_ERRORS)
    begin = at.timestamp()
    return {
        "id": scheduled_id((module, job), at),
        "module": module,
        "job": job,
        "type": "sync",
        "trigger": "manual" if is_manual else "schedule",
        "requested_by": "grace@example.com" if is_manual else None,
        "scheduled_for": None if is_manual else begin,
        "status": status,
        "attempt": 3 if is_failed else 1,
        "attempts": 3,
        "replica": "nexus-eu-1a",
        "queued_at": begin,
        "started_at": begin + 0.2,
        "finished_at": begin + 0.2 + seconds,
        "handed": True,
        "touched_at": begin,
        "options": {"project": module.upper()[:4], "since_days": 3, "token": "******"},
        "input": {},
        "progress": None,
        "result": None if is_failed else {"changed": chance.randrange(60), "skipped": chance.randrange(9)},
        "error": {"type": kind, "message": message} if is_failed else None,
        "reason": None,
        "cancelled_by": "grace@example.com" if status is RunStatus.CANCELLED else None,
    }


def _attempts(run: dict[str, Any]) -> list[dict[str, Any]]:
    count = run["attempt"]
    begin, end = run["started_at"], run["finished_at"]
    share = (end - begin) / (count * 2 - 1)
    return [
        {
            "run_id": run["id"],
            "number": number + 1,
            "replica": run["replica"],
            "started_at": begin + 2 * number * share,
            "finished_at": begin + (2 * number + 1) * share,
            "status": run["status"] if number + 1 == count else RunStatus.FAILED,
            "error": run["error"],
        }
        for number in range(count)
    ]


def _log(run: dict[str, Any]) -> list[str]:
    at = datetime.fromtimestamp(run["started_at"], UTC)
    lines = [
        f"{at:%H:%M:%S} INFO reading project {run['options']['project']}",
        f"{at:%H:%M:%S} INFO 40 items since 3 days",
    ]
    if run["error"]:
        lines.append(f"{at:%H:%M:%S} WARNING {run['error']['message']}")
    return lines
