"""Shows what modules add to the dashboard: their data, bounded, through their templates, in a sandbox.

A panel that fails says so in its own place, and takes nothing from the page.
"""

import asyncio
import functools
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from pydantic_core import to_jsonable_python

from nexus.host.host import Host, HostedModule
from nexus.spec.panel import Panel
from nexus.ui.rendering import RENDERING

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_PATIENCE: Final = 5.0
"""Seconds that a module has to give its data."""

_MAX_DATA: Final = 1_000_000
"""Bytes of the data as JSON."""

_MAX_HTML: Final = 2_000_000
"""Characters that a panel may become."""

_UNSAFE: Final = ("safe",)
"""Filters that would let data be taken for markup."""

logger = logging.getLogger("nexus.ui")


@dataclass(frozen=True, slots=True)
class ShownPanel:
    """A panel as a page has it.

    Attributes:
        name: unique in the module.
        title: its heading.
        body: what the template became; None where that failed.
        fault: why it failed; empty where it did not.
    """

    name: str
    title: str
    body: "Markup | None"
    fault: str = ""


async def shown_panels(request: web.Request, host: Host, module: HostedModule) -> list[ShownPanel]:
    """Gives the panels of a module's page; none while the module does not serve."""
    panels = [panel for panel in module.record.panels if panel.place == "module"]
    return list(await asyncio.gather(*(shown_panel(request, host, module, panel) for panel in panels)))


async def shown_panel(request: web.Request, host: Host, module: HostedModule, panel: Panel) -> ShownPanel:
    """Gives one panel; raises nothing of the module's."""
    instance = module.instance
    if instance is None or not module.serving:
        return ShownPanel(
            panel.name, panel.title, None, "The module does not serve just now, so it has nothing to show."
        )
    try:
        async with asyncio.timeout(_PATIENCE):
            given = await panel.data(instance.context)
        return ShownPanel(panel.name, panel.title, _rendered(request, panel, _copied(given)))
    except TimeoutError:
        fault = f"The module gave no data within {_PATIENCE:g} seconds."
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        fault = "What the module waited for was cancelled."
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code and template
        fault = host.scrubber.scrub(f"{type(error).__name__}: {error}")[:500]
    logger.warning(
        "panel %s of module %s cannot be shown: %s",
        panel.name,
        module.name,
        fault,
        extra={"event": "ui.panel.failed", "module_name": module.name},
    )
    return ShownPanel(panel.name, panel.title, None, fault)


def _copied(given: object) -> Mapping[str, Any]:
    """Gives the data as JSON has it: a template gets at no object of the module's."""
    if not isinstance(given, Mapping):
        raise TypeError(f"the data is of type {type(given).__name__!r}: give a mapping")
    text = json.dumps(to_jsonable_python(dict(given), serialize_unknown=False))
    if len(text) > _MAX_DATA:
        raise ValueError(f"the data has {len(text)} bytes: {_MAX_DATA} are the limit")
    copied: Mapping[str, Any] = json.loads(text)
    return copied


def _rendered(request: web.Request, panel: Panel, data: Mapping[str, Any]) -> "Markup":
    from markupsafe import Markup  # noqa: PLC0415 - loaded with the template engine

    environment = _sandbox(request[RENDERING].environment)
    _refuse_switch(environment, panel.template)
    pieces: list[str] = []
    length = 0
    for piece in environment.from_string(panel.template).generate(data):
        length += len(piece)
        if length > _MAX_HTML:
            raise ValueError(f"the panel has over {_MAX_HTML} characters: show less")
        pieces.append(piece)
    return Markup("".join(pieces))  # noqa: S704 - the template is the module's own code, and escaped what it showed


@functools.lru_cache(maxsize=4)
def _sandbox(pages: "Environment") -> "Environment":
    from jinja2 import StrictUndefined  # noqa: PLC0415 - as above
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

    environment = ImmutableSandboxedEnvironment(
        autoescape=True, undefined=StrictUndefined, finalize=pages.finalize, trim_blocks=True, lstrip_blocks=True
    )
    for name in _UNSAFE:
        environment.filters.pop(name, None)
    for name in ("duration", "number", "plural", "tone", "spoken"):
        environment.filters[name] = pages.filters[name]
    for name in ("ago", "exact"):
        environment.filters[name] = _of_text(pages.filters[name])
    parts = pages.get_template("parts.html").module
    environment.globals.clear()
    environment.globals.update({"range": range, "state": parts.state, "icon": parts.icon})  # type: ignore[attr-defined]
    from nexus.ui.pictures.marks import marks  # noqa: PLC0415

    environment.globals["strip"] = lambda items: parts.strip(marks(items))  # type: ignore[attr-defined]
    return environment


def _refuse_switch(environment: "Environment", template: str) -> None:
    from jinja2 import nodes  # noqa: PLC0415 - as above

    if environment.parse(template).find(nodes.EvalContextModifier) is not None:
        raise ValueError("its template switches escaping off: leave '{% autoescape %}' out")


def _of_text(show: Any) -> Any:
    """Gives a filter of instants that takes them as JSON has them."""

    def filtered(at: str | None) -> Any:
        return show(datetime.fromisoformat(at) if at is not None else None)

    return filtered
