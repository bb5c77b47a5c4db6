"""`GET /api/version`: what runs here."""

import functools
import importlib.metadata
import platform
from datetime import datetime
from typing import Final

from aiohttp import web
from packaging.requirements import Requirement
from pydantic import Field

from nexus.api.answers import Answers
from nexus.api.read_model import ReadModel
from nexus.api.resource import Resource
from nexus.host.host import Host

API_VERSION: Final = "1"
DISTRIBUTION: Final = "nexus-host"


class Version(ReadModel):
    """The instance, its parts and their versions."""

    name: str = Field(description="Name of this instance, from the configuration.")
    version: str = Field(description="Version of the host.")
    description: str
    api_version: str = Field(description="Version of this interface; raised when it would break a client.")
    python: str
    dependencies: dict[str, str] = Field(description="Run-time distributions and their installed versions.")
    modules: dict[str, str | None] = Field(description="Modules that have an instance, and their versions.")
    started_at: datetime
    uptime: float = Field(description="Seconds since the start.")
    instance_id: str = Field(description="Unique for each start of each replica.")


def resources(host: Host, answers: Answers) -> tuple[Resource, ...]:
    """Gives the resource of this file."""

    async def version(_request: web.Request) -> web.Response:
        """Tell what runs here."""
        distribution = _distribution()
        return answers.one(
            Version(
                name=host.settings.global_.name,
                version=distribution.version,
                description=distribution.metadata["Summary"] or "",
                api_version=API_VERSION,
                python=platform.python_version(),
                dependencies=_installed_dependencies(),
                modules={name: module.record.version for name, module in host.modules.items() if module.instance},
                started_at=host.started_at,
                uptime=round(host.uptime(), 3),
                instance_id=host.instance_id,
            )
        )

    return (Resource(method="GET", path="/api/version", handler=version, answer=Version),)


# Metadata is read from files: on the first request, not at start-up, and once.
@functools.cache
def _distribution() -> importlib.metadata.Distribution:
    return importlib.metadata.distribution(DISTRIBUTION)


@functools.cache
def _installed_dependencies() -> dict[str, str]:
    requirements = [Requirement(text) for text in _distribution().requires or ()]
    names = {each.name for each in requirements if each.marker is None or each.marker.evaluate({"extra": ""})}
    return {name: importlib.metadata.version(name) for name in sorted(names)}
