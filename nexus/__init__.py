"""Nexus hosts integration modules; these are the names their authors use.

Everything here loads on first use, so that importing the package (which every command does) costs nothing.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nexus.config.secret import Secret as Secret
    from nexus.http.context import context as context
    from nexus.spec.access import PROTECTED as PROTECTED
    from nexus.spec.access import PUBLIC as PUBLIC
    from nexus.spec.access import Access as Access
    from nexus.spec.access import requiring as requiring
    from nexus.spec.check import Check as Check
    from nexus.spec.context import Cache as Cache
    from nexus.spec.context import Events as Events
    from nexus.spec.context import ModuleContext as ModuleContext
    from nexus.spec.context import Registry as Registry
    from nexus.spec.context import RequestContext as RequestContext
    from nexus.spec.context import Tasks as Tasks
    from nexus.spec.errors import AuthFailed as AuthFailed
    from nexus.spec.errors import ConfigError as ConfigError
    from nexus.spec.errors import InvalidDeclaration as InvalidDeclaration
    from nexus.spec.errors import NexusError as NexusError
    from nexus.spec.errors import NotReady as NotReady
    from nexus.spec.errors import Problem as Problem
    from nexus.spec.event import ModuleEvent as ModuleEvent
    from nexus.spec.hooks import hookimpl as hookimpl
    from nexus.spec.job import Job as Job
    from nexus.spec.job import RunFinished as RunFinished
    from nexus.spec.job_context import JobContext as JobContext
    from nexus.spec.manifest import Manifest as Manifest
    from nexus.spec.module import Module as Module
    from nexus.spec.panel import Panel as Panel
    from nexus.spec.principal import Principal as Principal
    from nexus.spec.route import Route as Route
    from nexus.spec.state import ModuleState as ModuleState
    from nexus.spec.state import ModuleStateChanged as ModuleStateChanged
    from nexus.spec.state import Reason as Reason

_HOMES = {
    "Access": "nexus.spec.access",
    "AuthFailed": "nexus.spec.errors",
    "Cache": "nexus.spec.context",
    "Check": "nexus.spec.check",
    "ConfigError": "nexus.spec.errors",
    "Events": "nexus.spec.context",
    "InvalidDeclaration": "nexus.spec.errors",
    "Job": "nexus.spec.job",
    "JobContext": "nexus.spec.job_context",
    "Manifest": "nexus.spec.manifest",
    "Module": "nexus.spec.module",
    "ModuleContext": "nexus.spec.context",
    "ModuleEvent": "nexus.spec.event",
    "ModuleState": "nexus.spec.state",
    "ModuleStateChanged": "nexus.spec.state",
    "NexusError": "nexus.spec.errors",
    "NotReady": "nexus.spec.errors",
    "PROTECTED": "nexus.spec.access",
    "PUBLIC": "nexus.spec.access",
    "Panel": "nexus.spec.panel",
    "Principal": "nexus.spec.principal",
    "Problem": "nexus.spec.errors",
    "Reason": "nexus.spec.state",
    "Registry": "nexus.spec.context",
    "RequestContext": "nexus.spec.context",
    "Route": "nexus.spec.route",
    "RunFinished": "nexus.spec.job",
    "Secret": "nexus.config.secret",
    "Tasks": "nexus.spec.context",
    "context": "nexus.http.context",
    "hookimpl": "nexus.spec.hooks",
    "requiring": "nexus.spec.access",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - a table cannot drift from a list made of it


def __getattr__(name: str) -> object:
    """Gives an author's name from the file it lives in (PEP 562)."""
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module 'nexus' has no attribute {name!r}") from None
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
