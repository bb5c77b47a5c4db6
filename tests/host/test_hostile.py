"""Many hostile modules beside a good one: it serves throughout, and each of them says what is wrong."""

import asyncio

from nexus.spec.state import ModuleState as S

from .workspace import code, state, until

HOSTILE = {
    "raises": ("raise ValueError('no')", S.FAILED, "import_error"),
    "exits": ("import sys; sys.exit(3)", S.FAILED, "exited"),
    "syntax": ("def (:", S.FAILED, "syntax_error"),
    "lacks": ("import not_installed_anywhere", S.FAILED, "missing_dependency"),
    "hangs": ("@m.startup\nasync def s(c): await asyncio.sleep(1000)", S.FAILED, "startup_timeout"),
    "half": (
        (
            "async def h(request): ...\n"
            "@m.startup\n"
            "async def s(c):\n"
            "    c.registry.add_route('GET', '/x', h)\n"
            "    c.tasks.start('t', asyncio.sleep(1000))\n"
            "    raise OSError('half-way')"
        ),
        S.FAILED,
        "startup_error",
    ),
    "dies": (
        "async def w(): raise OSError('gone')\n@m.startup\nasync def s(c): c.tasks.start('w', w())",
        S.DEGRADED,
        "task_failed",
    ),
    "sick": ("@m.check('c')\nasync def c(x): raise SystemExit(1)", S.DEGRADED, "check_failed"),
    "stuck": ("@m.shutdown\nasync def e(c): await asyncio.sleep(1000)", S.RUNNING, None),
    "deaf": (
        (
            "async def w():\n"
            "    while True:\n"
            "        with contextlib.suppress(asyncio.CancelledError): await asyncio.sleep(0.01)\n"
            "@m.startup\n"
            "async def s(c): c.tasks.start('w', w())"
        ),
        S.RUNNING,
        None,
    ),
}


async def test_hostile_modules_touch_no_other_and_the_stop_stays_in_its_time(workspace):
    workspace.module("good", "LEFT = []\n@m.shutdown\nasync def e(c): LEFT.append(1)")
    workspace.module(
        "typed",
        "from pydantic import BaseModel\nclass S(BaseModel):\n    n: int\n"
        "m = nexus.Module('typed', version='1', settings=S)\n",
    )
    for name, (body, _, _) in HOSTILE.items():
        workspace.module(name, body)
    names = ["good", "typed", *HOSTILE]
    limits = {"hangs": "startup_timeout=0.2", "stuck": "shutdown_timeout=0.2", "deaf": "shutdown_timeout=0.2"}
    workspace.configure("".join(f"[modules.{name}]\npath='mods'\n{limits.get(name, '')}\n" for name in names))
    expected = {name: (where, reason) for name, (_, where, reason) in HOSTILE.items()}

    async with workspace.running() as host:
        await until(lambda: {name: (state(host, name), code(host, name)) for name in HOSTILE} == expected)
        assert (state(host, "good"), state(host, "typed")) == (S.RUNNING, S.INVALID_CONFIG)
        async with asyncio.timeout(60):
            await host.stop(600)
        assert (state(host, "good"), code(host, "good")) == (S.STOPPED, None)
        assert [code(host, name) for name in ("stuck", "deaf")] == ["stop_incomplete", "stop_incomplete"]
