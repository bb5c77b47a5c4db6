"""The hooks by which the host learns what a module is; a `nexus.Module` implements them all.

A module that needs more than declarations implements them itself, as functions of its Python module marked with
`nexus.hookimpl`. Hooks are synchronous and only declare: the host asks each module alone, so that one which raises
takes nothing from the others, and runs the work itself.
"""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import pluggy

from nexus.spec.check import Check
from nexus.spec.context import ModuleContext
from nexus.spec.event import ModuleEvent
from nexus.spec.job import Job, RunFinished
from nexus.spec.manifest import Manifest
from nexus.spec.panel import Panel
from nexus.spec.route import Route
from nexus.spec.state import ModuleStateChanged

PROJECT: Final = "nexus"
hookspec: Final = pluggy.HookspecMarker(PROJECT)
hookimpl: Final = pluggy.HookimplMarker(PROJECT)
"""Marks a function as the implementation of the hook of its name."""


@hookspec(firstresult=True)
def nexus_manifest() -> Manifest | None:
    """Gives the module's identity. Called once, right after import; a module without an answer has failed.

    Example:
        ```python
        import nexus

        @nexus.hookimpl
        def nexus_manifest():
            return nexus.Manifest(name="greeter", version="1.0.0")
        ```
    """


@hookspec
def nexus_routes() -> Iterable[Route]:  # type: ignore[empty-body]  # a specification has no body
    """Gives the module's routes. Called once, right after `nexus_manifest`; served while the module runs.

    Example:
        ```python
        import nexus
        from aiohttp import web

        async def hi(request):
            return web.json_response({"message": "hi"})

        @nexus.hookimpl
        def nexus_routes():
            return [nexus.Route(method="GET", path="/hi", handler=hi, access=nexus.PUBLIC)]
        ```
    """


@hookspec
def nexus_checks() -> Iterable[Check]:  # type: ignore[empty-body]  # a specification has no body
    """Gives the module's health checks. Called once, right after `nexus_manifest`; run while the module runs.

    Example:
        ```python
        import nexus

        async def disk(context):
            if not context.settings:
                raise RuntimeError("the disk is full")

        @nexus.hookimpl
        def nexus_checks():
            return [nexus.Check(name="disk", probe=disk)]
        ```
    """


@hookspec
def nexus_jobs() -> Iterable[Job]:  # type: ignore[empty-body]  # a specification has no body
    """Gives the module's jobs. Called once, right after `nexus_manifest`.

    Example:
        ```python
        import nexus

        async def sweep(context):
            return {"deleted": 0}

        @nexus.hookimpl
        def nexus_jobs():
            return [nexus.Job(type="sweep", run=sweep)]
        ```
    """


@hookspec
def nexus_panels() -> Iterable[Panel]:  # type: ignore[empty-body]  # a specification has no body
    """Gives the module's parts of the dashboard. Called once, right after `nexus_manifest`; shown while it runs.

    Example:
        ```python
        import nexus

        async def lamps(context):
            return {"lamps": [{"name": "hall", "is_on": True}]}

        @nexus.hookimpl
        def nexus_panels():
            template = "<ul>{% for lamp in lamps %}<li>{{ lamp.name }}</li>{% endfor %}</ul>"
            return [nexus.Panel(name="lamps", title="Lamps", template=template, data=lamps)]
        ```
    """


@hookspec
def nexus_lifespan(context: ModuleContext[Any]) -> AbstractAsyncContextManager[object]:  # type: ignore[empty-body]
    """Gives what is entered when the module starts and left when it stops. Called at each start.

    It is entered under the module's start-up timeout. Raise `nexus.NotReady` inside to be tried again later.

    Example:
        ```python
        import contextlib
        import nexus

        @nexus.hookimpl
        def nexus_lifespan(context):
            @contextlib.asynccontextmanager
            async def lifespan():
                context.logger.info("up")
                yield
                context.logger.info("down")
            return lifespan()
        ```
    """


@hookspec
def nexus_module_state_changed(event: ModuleStateChanged) -> None:
    """Tells that some module moved to another state. Called for each running module, soon after the move, in order.

    It runs on the event loop: return at once, start a task for work. What it raises is logged and nothing else.

    Example:
        ```python
        import nexus

        failures = []

        @nexus.hookimpl
        def nexus_module_state_changed(event):
            if event.state == "failed":
                failures.append(event.module)
        ```
    """


@hookspec
def nexus_run_finished(event: RunFinished) -> None:
    """Tells that some module's run has ended. Called for each running module on the replica that ran it, once a run.

    It runs on the event loop: return at once, start a task for work. What it raises is logged and nothing else.

    Example:
        ```python
        import nexus

        lost = []

        @nexus.hookimpl
        def nexus_run_finished(event):
            if event.status == "lost":
                lost.append(event.run_id)
        ```
    """


@hookspec
def nexus_module_event(event: ModuleEvent) -> None:
    """Tells what some module published. Called for each running module, the publishing one too, soon after, in order.

    It runs on the event loop: return at once, start a task for work. What it raises is logged and nothing else.

    Example:
        ```python
        import nexus

        down = []

        @nexus.hookimpl
        def nexus_module_event(event):
            if (event.module, event.type) == ("uptime", "target.changed") and event.data["to"] == "down":
                down.append(event.data["name"])
        ```
    """
