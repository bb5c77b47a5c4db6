"""Many schedules on one host: what is remembered of them is written at once, and not again while nothing changes."""

import threading
from datetime import UTC, datetime

from sqlalchemy import event

from .shop import Shop

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def give(_context):
    return None


async def test_schedules_are_written_in_one_transaction_and_only_where_they_have_changed(workplace):
    jobs = Shop()
    for number in range(200):
        jobs.add(f"yearly-{number}", give, line="0 0 1 1 *")
    async with workplace.engine() as engine:
        commits, here = [], threading.get_ident()

        @event.listens_for(engine._database.engine, "commit")
        def count(_connection):
            if threading.get_ident() == here:
                commits.append(1)

        def noted(at: datetime):
            commits.clear()
            remembered = engine._records.note_schedules(list(jobs.jobs.values()), at)
            return len(commits), [remembered["shop", f"yearly-{number}"].since for number in (0, 1)]

        first = noted(NOON)
        again = noted(NOON.replace(hour=13))
        jobs.add("yearly-1", give, line="0 0 2 1 *")
        changed = noted(NOON.replace(hour=14))

    assert first == (1, [NOON, NOON])
    assert again == (0, [NOON, NOON])
    assert changed == (1, [NOON, NOON.replace(hour=14)])
