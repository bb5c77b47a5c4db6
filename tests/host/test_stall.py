"""Whoever holds the event loop is named while it is held."""

import asyncio
import logging
import sys
import time

from nexus.host.stall import StallWatch, attribute

from .workspace import until


async def test_the_module_that_holds_the_loop_is_named_once(workspace, caplog):
    workspace.module(
        "heavy",
        """
        import time
        def grind():
            time.sleep(0.5)
        @m.get("/", access=nexus.PUBLIC)
        async def root(request):
            grind()
        """,
    )
    workspace.run_all("heavy")
    caplog.set_level(logging.WARNING, "nexus.host")

    async with workspace.running(stall_threshold=0.05) as host:
        await host.modules["heavy"].instance.routes[0].handler(None)

        # The loop has not turned since: this is what a probe sees that waited for it.
        assert host.stall.stalled()
        assert host.liveness().status == "fail"
        assert "'heavy'" in host.liveness().reasons[0].message
        await until(lambda: not host.stall.stalled())
        assert host.liveness().status == "warn"

    lines = [record for record in caplog.records if getattr(record, "module_name", None) == "heavy"]
    assert [line.event for line in lines] == ["host.loop.stalled"]
    assert "grind" in lines[0].where


async def test_code_of_no_module_is_told_as_such(caplog):
    async with StallWatch(dict, threshold=0.05) as watch:
        await asyncio.sleep(0.06)
        time.sleep(0.5)
        assert watch.stalled()
        assert watch.last(60).module is None
        await until(lambda: watch.last(60).seconds)
        assert watch.last(60).seconds > 0.1
        assert watch.last(0.0) is None
    assert "code of no module" in caplog.text


async def test_an_idle_loop_is_not_stalled():
    async with StallWatch(dict, threshold=5) as watch:
        await asyncio.sleep(0.1)
        assert not watch.stalled()
        assert watch.last(60) is None


def test_the_innermost_module_on_the_stack_is_named():
    frame = sys._getframe()
    packages = {"outer": "tests", "inner": __name__, "none": "elsewhere"}

    assert attribute(frame, {"none": "elsewhere"})[0] is None
    assert attribute(frame, packages)[0] == "inner"
    assert attribute(None, packages) == (None, "an unknown place")
