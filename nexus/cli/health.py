"""`nexus health`: the container's health check; it needs no token."""

from pathlib import Path
from typing import Literal

import click

from nexus.cli.console import emit, emit_json, painted, plain, say
from nexus.cli.failure import ExitCode, Failed
from nexus.cli.options import Target, as_json, configured

_TIMEOUT_S = 3.0
"""A probe answers in milliseconds; a container run-time waits 30 s for the health check by default."""


@click.command()
@configured
@click.option("--url", metavar="URL", help="Where the host is; else NEXUS_URL, else as configured.")
@click.option("--live", "probe", flag_value="livez", help="Ask only whether the process works.")
@click.option("--ready", "probe", flag_value="readyz", default="readyz", help="Ask whether it can serve; the default.")
@as_json
def health(
    files: tuple[Path, ...],
    environment: str | None,
    url: str | None,
    probe: Literal["livez", "readyz"],
    json_wanted: bool,
) -> int:
    """Ask the running host how it is: exit 0 where it passes or warns, 1 where it fails or does not answer."""
    from nexus.cli.remote import HostClient, Sent

    client = HostClient(Target(url=url, files=files, environment=environment), anonymous=True)
    try:
        answer = client.ask(f"/{probe}", Sent(within_s=_TIMEOUT_S))
    except Failed as error:
        # Container run-times know 0 and 1 alone.
        say(f"nexus: {error}")
        return ExitCode.FAILED
    status = answer.value.get("status") if isinstance(answer.value, dict) else None
    if status not in ("pass", "warn", "fail"):
        say(f"nexus: {client.url}/{probe} does not answer as a probe does: is it a Nexus host, mounted there?")
        return ExitCode.FAILED
    if json_wanted:
        emit_json(answer.value)
    else:
        emit(painted(plain(status)))
    if status == "fail":
        say(f"nexus: see 'nexus modules' for the reasons, or ask {client.url}/{probe} with a token")
    return ExitCode.OK if answer.status < 400 else ExitCode.FAILED
