"""The file of the default store: what the history gives up comes back to the disk."""

import sqlite3

from .shop import Workplace, done


async def test_the_file_shrinks_when_runs_are_dropped(tmp_path):
    workplace = Workplace(f"sqlite:///{tmp_path}/runs.db", tmp_path)

    async def give(_context) -> str:
        return "x" * 100_000

    workplace.shop.add("give", give, overlap="allow")
    async with workplace.engine(keep_runs=2, result_bytes=200_000) as engine:
        for _ in range(30):
            await done(engine, "give")
        with sqlite3.connect(tmp_path / "runs.db") as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        before = (tmp_path / "runs.db").stat().st_size

        await engine._housekeeping.prune()

        after = (tmp_path / "runs.db").stat().st_size
    assert before > 30 * 100_000
    assert after < before / 4
