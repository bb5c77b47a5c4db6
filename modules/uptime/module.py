"""Watches whether other services answer: probes them by a job, shows what it found, and tells what changed."""

import nexus

from . import jobs, panel, routes, service
from .settings import Settings

uptime = nexus.Module(
    "uptime",
    version="1.0.0",
    settings=Settings,
    description="Watches whether other services answer, and tells other modules when one does not.",
)

uptime.job("probe", options=jobs.ProbeOptions, timeout=300)(jobs.probe)
uptime.get("/targets")(routes.targets)
uptime.get("/targets/{name}")(routes.target)
uptime.panel("targets", title="Targets", template=panel.TARGETS)(panel.targets)
uptime.panel("results", title="Latest results", template=panel.RESULTS, place="page")(panel.results)
uptime.check("targets", critical=False)(service.targets_are_up)
