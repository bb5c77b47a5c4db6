"""`nexus serve`: takes the options and hands over to the host."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nexus.cli.failure import ExitCode, Failed
from nexus.cli.options import WholeNumber, configured
from nexus.spec.names import MODULE_NAME

if TYPE_CHECKING:
    from nexus.host.host import Host
    from nexus.http.server import HttpServer


def _names(context: click.Context, parameter: click.Parameter, value: str | None) -> frozenset[str] | None:
    if value is None:
        return None
    names = frozenset(name.strip() for name in value.split(",") if name.strip())
    wrong = sorted(name for name in names if not MODULE_NAME.fullmatch(name))
    if wrong or not names:
        found = f"{wrong[0]!r} is no module's name" if wrong else "it names no module"
        raise click.BadParameter(
            f"{found}: write names with commas between them, as in hello,liveness", context, parameter
        )
    return names


@click.command()
@configured
@click.option("--host", metavar="H", help="Address to listen on; 127.0.0.1 unless configured.")
@click.option(
    "--port", metavar="P", type=WholeNumber(0, 65_535), help="TCP port, 0 for a free one; 3001 unless configured."
)
@click.option("--only", metavar="A,B", callback=_names, help="Run these modules alone.")
@click.option("--safe-mode", is_flag=True, help="Run no module.")
@click.option("--strict", is_flag=True, help="End where any module fails.")
@click.option(
    "--reload", "watch", is_flag=True, help="Start again when code or configuration changes; for development."
)
def serve(
    *,
    files: tuple[Path, ...],
    environment: str | None,
    host: str | None,
    port: int | None,
    only: frozenset[str] | None,
    safe_mode: bool,
    strict: bool,
    watch: bool,
) -> int:
    """Run the host until SIGTERM or SIGINT.

    Reads ./config.toml where it is there; without any file the shipped modules that need no settings run. SIGHUP reads
    the configuration anew.
    """
    if watch:
        from nexus.cli.reloading import serve_and_watch

        return serve_and_watch(files, environment)
    from nexus.auth.exposure import LocalIssuerExposed
    from nexus.auth.token_rules import ContradictoryIssuers
    from nexus.cli import collector
    from nexus.cli.ending import end_by_itself_or_soon
    from nexus.cli.started import Announcement
    from nexus.preparation import ServeOptions
    from nexus.serve import run

    options = ServeOptions(
        files=files, environment=environment, host=host, port=port, only=only, safe_mode=safe_mode, strict=strict
    )
    announce = Announcement(files, environment)

    def started(host: "Host", server: "HttpServer") -> None:
        collector.resume()
        announce(host, server)

    try:
        code = run(options, started)
    except (LocalIssuerExposed, ContradictoryIssuers) as error:
        raise Failed(str(error), ExitCode.CONFIG) from None
    end_by_itself_or_soon(code)
    return code
