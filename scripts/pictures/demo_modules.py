"""Some forty modules as a company might have them: most run, two have failed, one waits, one is degraded."""

import asyncio
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, Field

import nexus

NAMES = {
    "asana": "Mirrors tasks between Asana and the tracker.",
    "billing": "Books invoices of the payment provider.",
    "bitbucket": "Receives pull requests and builds from Bitbucket.",
    "calendar": "Tells who is on call from the shared calendar.",
    "catalog": "Keeps the catalog of services and their owners.",
    "certificates": "Watches the ends of TLS certificates.",
    "changelog": "Collects release notes from merged pull requests.",
    "circleci": "Follows builds and tells who broke them.",
    "confluence": "Publishes pages from repositories.",
    "costs": "Sums up the cloud bills by team, each day.",
    "datadog": "Turns monitors into incidents.",
    "deploys": "Records what was deployed where, and by whom.",
    "digest": "Sends the weekly digest by e-mail.",
    "directory": "Reads people and teams from the identity provider.",
    "docs-search": "Indexes pages for the search in chat.",
    "feature-flags": "Tells which flags are old enough to be removed.",
    "github": "Receives events from GitHub and answers with checks.",
    "gitlab": "Receives events from GitLab.",
    "grafana": "Takes snapshots of dashboards for reports.",
    "handover": "Writes the hand-over of the on-call shift.",
    "incidents": "Opens, follows and closes incidents.",
    "invites": "Gives new colleagues their accounts.",
    "jira": "Creates and updates issues in Jira.",
    "licences": "Counts seats, and asks before new ones are bought.",
    "mail": "Sends what other modules write.",
    "metrics": "Writes figures of the day to the warehouse.",
    "on-call": "Pages whoever is on call.",
    "opslevel": "Reports the maturity of services.",
    "pagerduty": "Creates incidents in PagerDuty.",
    "payroll-export": "Hands working hours to payroll.",
    "releases": "Cuts releases on a schedule.",
    "reminders": "Reminds people of reviews that wait.",
    "sentry": "Turns new errors into issues.",
    "slack": "Receives commands and sends messages in Slack.",
    "statuspage": "Publishes incidents to the status page.",
    "translations": "Fetches translations and opens pull requests.",
    "vault-sync": "Hands secrets to the teams' vaults.",
    "webhooks": "Passes events on to partners.",
    "wiki-backup": "Keeps a copy of the wiki.",
    "zendesk": "Links tickets of customers with issues.",
}


class Account(BaseModel):
    """How a service is reached."""

    url: str = Field("https://api.example.com", description="Where the service is.")
    token: nexus.Secret | None = Field(None, description="Opens it.")
    timeout: float = Field(10.0, description="Seconds one call may take.")
    channels: list[str] = Field(default_factory=list, description="Where it tells what it does.")


class SyncOptions(BaseModel):
    """What a synchronisation does."""

    project: str = Field("core", description="Key of the project.")
    since_days: int = Field(7, ge=1, le=90, title="Days back", description="How far it looks back.")
    mode: Literal["incremental", "full"] = Field("incremental", description="Full is slow, and mends what was missed.")
    dry_run: bool = Field(False, title="Dry run", description="Tells what it would do, and does nothing.")
    labels: list[str] = Field(default_factory=list, description="Only what has one of these.")
    token: nexus.Secret | None = Field(None, description="Used instead of the configured one.")


def module_of(name: str) -> nexus.Module[Any]:
    """Gives the module of a name."""
    module = nexus.Module(name, version=_version(name), settings=Account, description=NAMES[name])

    @module.get("/items")
    async def items(_request: web.Request) -> web.Response:
        """List what is known."""
        return web.json_response([])

    @module.get("/items/{id}", permissions={f"read:{name}"})
    async def item(_request: web.Request) -> web.Response:
        """Show one."""
        return web.json_response({})

    if len(name) % 4 == 0:

        @module.post("/events", access=nexus.PUBLIC)
        async def events(_request: web.Request) -> web.Response:
            """Take an event of the service."""
            return web.Response(status=202)

    if len(name) % 3:
        _add_sync(module)
    _add_check(module, name)
    _add_start(module, name)
    return module


def _add_sync(module: nexus.Module[Any]) -> None:
    @module.job("sync", options=SyncOptions, timeout=600, attempts=3)
    async def sync(context: nexus.JobContext, options: SyncOptions) -> dict[str, int]:
        """Bring both sides to the same state."""

        async def fetch() -> int:
            await asyncio.sleep(0.4)
            return 40

        found = await context.step("fetch", fetch)
        for number in range(found):
            context.progress(number + 1, found, note=f"{options.project}-{1200 + number}")
            if number % 10 == 0:
                context.logger.info("at %s-%d", options.project, 1200 + number)
            await asyncio.sleep(0.25)
        return {"changed": found}


def _add_check(module: nexus.Module[Any], name: str) -> None:
    @module.check("reachable", critical=name == "sentry")
    async def reachable(_context: nexus.ModuleContext) -> dict[str, int]:
        """The service answers."""
        if name in ("sentry", "zendesk"):
            raise RuntimeError("the service answers 502: its status page tells of an outage")
        return {"latency_ms": 20 + len(name) * 7}


def _add_start(module: nexus.Module[Any], name: str) -> None:
    @module.startup
    async def start(_context: nexus.ModuleContext) -> None:
        await asyncio.sleep(0.004 * len(name))
        if name == "billing":
            raise RuntimeError("the payment provider refuses the key: it was revoked on 12 November")
        if name == "payroll-export":
            raise RuntimeError("the folder /exports is not writable: give the user 'nexus' the right to write there")
        if name == "grafana":
            raise nexus.NotReady("grafana.example.com does not answer yet")


def _version(name: str) -> str:
    return f"{1 + len(name) % 3}.{len(name)}.{ord(name[0]) % 7}"
