"""Names of runs: made up for those that somebody asks for, and the same on every replica for those of a schedule."""

import re
import uuid
from datetime import datetime
from typing import Final

from nexus.jobs.definition import JobKey
from nexus.jobs.errors import UnknownRun

_SCHEDULED: Final = uuid.UUID("6b0f4d0e-6f5a-5c0b-9d54-6e6578757301")
_REQUESTED: Final = uuid.UUID("6b0f4d0e-6f5a-5c0b-9d54-6e6578757302")


_RUN_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


def check_run_id(run_id: str) -> None:
    """Refuses what no run is called; a database may refuse to look for it.

    Raises:
        UnknownRun: it is none.
    """
    if not _RUN_ID.fullmatch(run_id):
        raise UnknownRun("there is no run of this id, or it is no longer kept")


def scheduled_id(key: JobKey, due: datetime) -> str:
    """Gives the id of the run of an instant: one run, whoever stores it."""
    return str(uuid.uuid5(_SCHEDULED, f"{key[0]}/{key[1]}/{due.timestamp():.3f}"))


def requested_id(key: JobKey, by: str, issuer: str | None, idempotency_key: str | None) -> str:
    """Gives the id of a requested run: a new one, or the one that belongs to the caller's idempotency key.

    A subject is unique within its issuer alone (OpenID Connect Core 1.0, section 2), so both name the caller.
    """
    if idempotency_key is None:
        return str(uuid.uuid4())
    return str(uuid.uuid5(_REQUESTED, f"{key[0]}/{key[1]}\n{issuer or ''}\n{by}\n{idempotency_key}"))
