"""`nexus routes`: every route and what it asks of a caller."""

from typing import Any

import click

from nexus.cli.console import emit_json, emit_table
from nexus.cli.options import Target, as_json, offline, remote


@click.command()
@remote
@offline
@as_json
def routes(target: Target, offline: bool, json_wanted: bool) -> None:
    """List every route with its access; --offline lists those of the modules alone."""
    if offline:
        found = _offline(target)
    else:
        from nexus.cli.remote import HostClient

        found = list(HostClient(target).get("/api/routes"))
    if json_wanted:
        emit_json(found)
        return
    rows = [
        (" ".join(each["methods"]), each["path"], each["access"], " ".join(each["permissions"]), each["summary"])
        for each in found
    ]
    emit_table(("METHODS", "PATH", "ACCESS", "PERMISSIONS", "SUMMARY"), rows)


def _offline(target: Target) -> list[dict[str, Any]]:
    from nexus.cli.offline import look_or_fail, module_json

    outlook = look_or_fail(target.files, target.environment)
    return [
        {**route, "module": name} for name, module in outlook.modules.items() for route in module_json(module)["routes"]
    ]
