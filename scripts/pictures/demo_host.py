"""Lays out the demonstration in a directory: modules as files, a configuration, and 2,000 runs of the days before."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from nexus.jobs.database import Database
from nexus.jobs.identity import scheduled_id
from nexus.jobs.run import RunStatus
from nexus.jobs.tables import ATTEMPTS, LOGS, RUNS
from scripts.pictures.demo_modules import NAMES

RUNS_KEPT: Final = 2000

_LINES: Final = ("*/15 * * * *", "0 * * * *", "0 6 * * 1-5", "30 7 * * 1", "0 3 * * *")
_ZONES: Final = ("UTC", "Europe/Berlin", "America/New_York")
_ERRORS: Final = (
    ("TimeoutError", "the service did not answer within 10 s"),
    ("HTTPError", "429 Too Many Requests: the limit is 1,000 calls an hour"),
    ("LookupError", "issue 4711 has no assignee: give it one, or set a default for the project"),
    ("PermissionError", "the token lacks the scope 'write:issues'"),
)
_README: Final = """# jira

Creates and updates issues in Jira from what other modules tell.

| route | access | answer |
|---|---|---|
| `GET /m/jira/items` | any valid token | 200 with the issues that were touched lately |

The job `sync` brings both sides to the same state:

```toml
[[modules.jira.jobs]]
type = "sync"
schedule = "*/15 * * * *"
```

- A run that fails is tried three times.
- What was changed on both sides is left alone, and told in the log.
"""


def lay_out(directory: Path, port: int) -> None:
    """Writes the modules and the configuration."""
    demo = directory / "integrations"
    demo.mkdir()
    for name in NAMES:
        code = f"from scripts.pictures.demo_modules import module_of\n\nmodule = module_of({name!r})\n"
        if name == "jira":
            (demo / name).mkdir()
            (demo / name / "README.md").write_text(_README)
            (demo / name / "__init__.py").write_text(code)
        else:
            (demo / f"{name}.py").write_text(code)
    (directory / "config.toml").write_text(_config(port))


def _config(port: int) -> str:
    lines = [
        "[global]",
        'name = "nexus-eu-1"',
        f'base_url = "http://127.0.0.1:{port}"',
        "[global.server]",
        f"port = {port}",
        "[modules.liveness]",
        "[modules.uptime.config]",
        "failures_before_down = 1",
        *(
            line
            for name, path in (("shop", "/livez"), ("api", "/readyz"), ("docs", "/m/liveness/up"), ("legacy", ":1/"))
            for line in _target(name, f"http://127.0.0.1{path}" if path[0] == ":" else f"http://127.0.0.1:{port}{path}")
        ),
        "[[modules.uptime.jobs]]",
        'type = "probe"',
        'schedule = "*/5 * * * * *"',
    ]
    for number, name in enumerate(NAMES):
        lines += [f"[modules.{name}]", 'path = "integrations"']
        lines += ["enabled = false"] if name in ("gitlab", "wiki-backup") else []
        lines += ["required = true"] if name == "directory" else []
        lines += [f"[modules.{name}.config]", f'token = "demo-secret-of-{name}"', f'channels = ["#{name}"]']
        if len(name) % 3:
            lines += [
                f"[[modules.{name}.jobs]]",
                'type = "sync"',
                f'name = "{job_of(name)}"',
                f'schedule = "{_LINES[number % len(_LINES)]}"',
                f'timezone = "{_ZONES[number % len(_ZONES)]}"',
                f'options = {{ project = "{name.upper()[:4]}", since_days = 3 }}',
                f"paused = {str(name in ('opslevel', 'licences')).lower()}",
            ]
    return "\n".join(lines) + "\n"


def _target(name: str, url: str) -> list[str]:
    return ["[[modules.uptime.config.targets]]", f'name = "{name}"', f'url = "{url}"']


def job_of(name: str) -> str:
    """Gives the name of a module's job."""
    return "nightly" if len(name) % 4 == 0 else "sync"


def fill(directory: Path, state_dir: Path) -> None:
    """Writes runs of the last days into the store, the same ones each time."""
    chance = random.Random(7)  # noqa: S311 - decides how a picture looks
    now = datetime.now(UTC)
    jobs = sorted((name, job_of(name)) for name in NAMES if len(name) % 3 and name not in ("gitlab", "wiki-backup"))
    times = sorted(now - timedelta(hours=60 * chance.random() ** 1.3, seconds=90) for _ in range(RUNS_KEPT))
    runs = [_run(chance, *chance.choice(jobs), at) for at in times]
    database = Database.open("sqlite:///.nexus/nexus.db", directory=directory, state_dir=state_dir)
    try:
        with database.engine.begin() as connection:
            connection.execute(sa.insert(RUNS), runs)
            connection.execute(sa.insert(ATTEMPTS), [attempt for run in runs for attempt in _attempts(run)])
            connection.execute(
                sa.insert(LOGS), [{"run_id": run["id"], "lines": _log(run), "dropped": 0} for run in runs]
            )
    finally:
        database.close()


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
