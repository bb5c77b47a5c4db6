"""Reads what requests about jobs and runs ask for, and turns the engine's refusals into problems."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, cast

from aiohttp import web
from multidict import MultiMapping
from pydantic import JsonValue

from nexus.jobs import errors
from nexus.jobs.run import RunFilter, RunStatus, Trigger
from nexus.spec.errors import Problem

FILTER: Final = ("module", "job", "status", "trigger", "text", "since", "until")
"""Query parameters by which runs are chosen."""

_TRIGGERS: Final = ("schedule", "manual", "retry")
_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")
_WAIT: Final = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?", re.IGNORECASE)
_MAX_LIMIT: Final = 500
_MAX_TEXT: Final = 200


@contextmanager
def told_as_problems() -> Iterator[None]:
    """Turns what the engine raises into the answer that a caller can act on."""
    try:
        yield
    except (errors.UnknownJob, errors.UnknownRun) as error:
        raise Problem(404, str(error)) from None
    except errors.AlreadyRunning as error:
        raise Problem(409, str(error), run=error.run_id) from None
    except errors.NotFinal as error:
        raise Problem(409, str(error)) from None
    except errors.KeyReused as error:
        raise Problem(422, str(error)) from None
    except errors.InvalidOptions as error:
        mistakes = [{"path": path, "message": message} for path, message in error.mistakes]
        raise Problem(422, f"the options do not fit: {error}", errors=mistakes) from None
    except errors.InvalidCursor as error:
        raise Problem(400, str(error)) from None
    except errors.ModuleDown as error:
        raise Problem(503, str(error), headers={"Retry-After": "5"}) from None
    except (errors.StoreUnavailable, errors.StoreUnusable) as error:
        raise Problem(503, str(error), headers={"Retry-After": "2"}) from None


async def read_options(request: web.Request) -> dict[str, JsonValue]:
    """Gives the JSON object in the body; none where there is no body.

    Raises:
        Problem: 400, it is none; 415, it is of another media type.
    """
    body = await request.read()
    if not body.strip():
        return {}
    if request.content_type != "application/json":
        raise Problem(415, "the options are to be JSON: send Content-Type: application/json")
    try:
        value: JsonValue = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Problem(400, "the body is no JSON: send the options as one object") from None
    if not isinstance(value, dict):
        raise Problem(400, "the body is no JSON object: send the options as one object")
    return value


def read_idempotency_key(request: web.Request) -> str | None:
    """Gives the `Idempotency-Key`, None where there is none.

    Raises:
        Problem: 400, it is not usable.
    """
    value = request.headers.get("Idempotency-Key")
    if value is not None and not _KEY.fullmatch(value):
        raise Problem(400, "Idempotency-Key is to be 1 to 200 visible ASCII characters")
    return value


def read_wait(request: web.Request, longest: float) -> float:
    """Gives the seconds of `Prefer: wait=N` (RFC 7240, section 4.3), at most `longest`; 0 where it is absent."""
    found = _WAIT.search(request.headers.get("Prefer", ""))
    return min(float(found[1]), longest) if found else 0.0


def read_filter(request: web.Request) -> RunFilter:
    """Gives which runs the query means; `status` may stand several times, or hold several with commas.

    Raises:
        Problem: 400, a parameter is not usable.
    """
    return filter_of(request.query)


def filter_of(query: MultiMapping[str]) -> RunFilter:
    """Gives which runs are meant by parameters, as `read_filter` has them.

    Raises:
        Problem: 400, one is not usable.
    """
    trigger = query.get("trigger")
    if trigger is not None and trigger not in _TRIGGERS:
        raise Problem(400, f"trigger is to be one of {', '.join(_TRIGGERS)}")
    return RunFilter(
        module=_text(query, "module"),
        job=_text(query, "job"),
        statuses=frozenset(_statuses(query.getall("status", []))),
        trigger=cast("Trigger | None", trigger),
        text=_text(query, "text") or None,
        since=_instant(query.get("since"), "since"),
        until=_instant(query.get("until"), "until"),
    )


def read_limit(request: web.Request, default: int = 50) -> int:
    """Gives how many are wanted.

    Raises:
        Problem: 400, it is no number from 1 to 500.
    """
    value = request.query.get("limit", str(default))
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= _MAX_LIMIT):
        raise Problem(400, f"limit is to be a number from 1 to {_MAX_LIMIT}")
    return int(value)


def _text(query: Mapping[str, str], name: str) -> str | None:
    value = query.get(name)
    if value is not None and not (value.isprintable() and len(value) <= _MAX_TEXT):
        raise Problem(400, f"{name} is to be at most {_MAX_TEXT} printable characters")
    return value


def _statuses(values: list[str]) -> Iterator[RunStatus]:
    for name in ",".join(values).split(",") if values else ():
        try:
            yield RunStatus(name)
        except ValueError:
            raise Problem(400, f"status is to be of {', '.join(RunStatus)}") from None


def _instant(value: str | None, name: str) -> datetime | None:
    if value is None:
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        raise Problem(400, f"{name} is to be an instant such as 2026-01-31T08:00:00Z (RFC 3339)") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _refuse_constant(_name: str) -> None:
    raise ValueError
