"""A module whose jobs and checks do what a test tells them, and the host that runs it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

import nexus
from nexus.testing.running_host import RunningHost, running_host


class SweepOptions(BaseModel):
    """Options of every kind that a form has to show."""

    folder: str = Field("inbox", min_length=1, description="What is swept.")
    days: int = Field(30, ge=1, le=90, title="Older than", description="In days.")
    mode: Literal["gentle", "thorough"] = "gentle"
    dry_run: bool = Field(False, title="Dry run")
    labels: list[str] = Field(default_factory=lambda: ["old"])
    token: nexus.Secret | None = None


class Settings(BaseModel):
    """Settings with a secret among them."""

    token: nexus.Secret | None = Field(None, description="Opens the drawer.")
    drawers: int = 3


class Workshop:
    """The module `workshop`, and what holds its jobs back.

    Attributes:
        goes_on: a slow run waits for it.
        is_broken: the check fails, and so do the runs of `brittle`.
        seen: the options of every sweep.
    """

    def __init__(self) -> None:
        self.goes_on = asyncio.Event()
        self.is_broken = False
        self.seen: list[SweepOptions] = []
        self.module = nexus.Module(
            "workshop", version="1.2.3", settings=Settings, description="Does what it is told & <more>."
        )
        self._declare()

    def _declare(self) -> None:
        module = self.module

        @module.get("/tools", permissions={"read:tools"})
        async def tools(request: Any) -> Any: ...

        @module.get("/door", access=nexus.PUBLIC)
        async def door(request: Any) -> Any: ...

        @module.job("sweep", options=SweepOptions)
        async def sweep(context: nexus.JobContext, options: SweepOptions) -> dict[str, object]:
            """Sweep a folder."""
            self.seen.append(options)
            context.logger.info("sweeping %s", options.folder)
            return {"swept": options.folder}

        @module.job("slow", attempts=1)
        async def slow(context: nexus.JobContext) -> str:
            """Take its time."""
            context.progress(1, 4, note="first quarter")
            await context.step("wait", self.goes_on.wait)
            context.progress(4, 4, note="all")
            return "done"

        @module.job("brittle")
        async def brittle(_context: nexus.JobContext) -> str:
            """Break where it is broken."""
            if self.is_broken:
                raise RuntimeError("the handle came off")
            return "whole"

        @module.check("bench", interval=0.2)
        async def bench(_context: nexus.ModuleContext) -> None:
            if self.is_broken:
                raise RuntimeError("the bench has three legs")


CONFIG = {
    "modules": {
        "workshop": {
            "config": {"token": "canary-of-the-drawer"},
            "jobs": [
                {
                    "type": "sweep",
                    "name": "nightly",
                    "schedule": "0 3 * * *",
                    "timezone": "Europe/Berlin",
                    "options": {"folder": "outbox", "token": "canary-of-the-options"},
                },
                {"type": "slow"},
                {"type": "brittle"},
            ],
        },
        "liveness": {},
        "uptime": {
            "config": {"targets": [{"name": "shop", "url": "http://127.0.0.1:9/"}]},
            "jobs": [{"type": "probe"}],
        },
        "gone": {},
    }
}


@asynccontextmanager
async def open_workshop(
    state_dir: Path, *, config: Mapping[str, Any] | None = None
) -> AsyncIterator[tuple[Workshop, RunningHost]]:
    """Runs a host with the module until the block is left; held runs are let go at its end.

    Args:
        state_dir: of the host.
        config: tables beside those of the modules.
    """
    workshop = Workshop()
    async with running_host(workshop.module, state_dir=state_dir, config={**CONFIG, **(config or {})}) as host:
        try:
            yield workshop, host
        finally:
            workshop.goes_on.set()
