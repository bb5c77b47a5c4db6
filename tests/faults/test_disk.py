"""A disk that is full or may not be written: the host serves on, says so, and goes on by itself when there is room."""

import asyncio
import json
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .plant import PATIENCE, Plant, ask, config, trigger, trigger_many, triggered, until_all, until_jobs


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A file system of its own in memory, where this account may mount one."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


class FullDisk:
    """Fills a small file system to its last byte."""

    def __init__(self, folder: Path) -> None:
        self.ballast = folder / "ballast"

    def fill(self, _pid: int) -> None:
        with self.ballast.open("wb", buffering=0) as file:
            for size in (65536, 512, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue

    def free(self, _pid: int) -> None:
        self.ballast.unlink()


class FileLimit:
    """Lets no file of a process become longer than its store is: what needs no account that may mount."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, pid: int) -> None:
        longest = max(file.stat().st_size for file in self.folder.iterdir())
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (longest, resource.RLIM_INFINITY))

    def free(self, pid: int) -> None:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@pytest.fixture(params=[FullDisk, FileLimit])
def disk(request, tmp_path):
    if request.param is FileLimit:
        (tmp_path / "disk").mkdir()
        yield FileLimit(tmp_path / "disk")
        return
    with mounted(tmp_path / "disk", "size=8m") as folder:
        yield FullDisk(folder)


async def test_a_full_disk_costs_no_run_and_is_told(tmp_path, disk):
    plant = Plant(tmp_path, config(f"sqlite:///{tmp_path}/disk/runs.db"))
    acknowledged: list[str] = []
    async with plant.replica() as host:
        await until_jobs(host)
        await trigger_many(host, 6, acknowledged, seconds=1.0)
        disk.fill(host.process.pid)

        status, problem = await _until_refused(host, acknowledged)
        reason = await _until_readiness(host, waits=True)
        up, _ = await host.get("/livez")
        disk.free(host.process.pid)

        await _until_readiness(host, waits=False)
        await until_all(host, [*acknowledged, await triggered(host)])
        code = await host.stop()

    assert (status, up, code) == (503, 200, 0)
    assert "disk" in problem["detail"]
    assert "disk" in reason
    assert plant.ledger.repeated() == []
    assert plant.ledger.count("end") == len(acknowledged) + 1


async def test_a_store_that_may_not_be_written_is_told_and_opened_once_it_may(tmp_path):
    with mounted(tmp_path / "disk", "ro") as folder:
        plant = Plant(tmp_path, config(f"sqlite:///{folder}/runs.db"))
        async with plant.replica() as host:
            await host.until_started()
            reason = await _until_readiness(host, waits=True)
            status, problem = await trigger(host)
            subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
            await until_jobs(host)
            await until_all(host, [await triggered(host)])

    assert status == 503
    assert "Read-only file system" in reason
    assert "make its folder writable" in problem["detail"]


async def _until_refused(host, acknowledged: list[str]) -> tuple[int, dict]:
    """Triggers until there is no room for a further run."""
    async with asyncio.timeout(PATIENCE):
        while True:
            status, answer = await trigger(host)
            if status != 202:
                return status, answer
            acknowledged.append(answer["id"])


async def _until_readiness(host, *, waits: bool) -> str:
    async with asyncio.timeout(PATIENCE):
        while True:
            told = json.dumps((await ask(host, "GET", "/api/health"))[1])
            if ("jobs_waiting" in told) is waits:
                return told
            await asyncio.sleep(0.1)
