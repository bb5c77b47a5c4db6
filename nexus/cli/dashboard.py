"""`nexus dashboard`: the way to the pages."""

import os
from pathlib import Path

import click

from nexus.cli.failure import ExitCode, Failed
from nexus.cli.options import configured


@click.group()
def dashboard() -> None:
    """Open the pages of a host."""


@dashboard.command("link")
@configured
@click.option("--url", metavar="URL", help="Of the host; NEXUS_URL is the default, then the configured address.")
def link(*, files: tuple[Path, ...], environment: str | None, url: str | None) -> None:
    """Print a one-time link that signs in to the pages as an admin.

    It works once, within ten minutes. Who may write to the state directory, or to the configured PostgreSQL, can make
    one; where the configuration names an issuer, people sign in there instead.
    """
    from nexus.auth.exposure import local_issuer_serves
    from nexus.cli.addresses import pages_url
    from nexus.cli.local import state_dir, state_kept
    from nexus.cli.remote import checked_url, read_host_settings
    from nexus.ui.sign_in.new_link import new_link

    loaded, settings = read_host_settings(files, environment)
    given = url or os.environ.get("NEXUS_URL")
    host = checked_url(given) if given else pages_url(settings.global_, settings.global_.server.port)
    if not local_issuer_serves(settings.global_.auth):
        raise Failed(
            f"one-time links are for the local issuer, and [global.auth] names another: sign in at {host}/ui",
            ExitCode.NOT_AUTHORISED,
        )
    with state_kept():
        click.echo(new_link(host, settings.global_.store, state_dir(loaded)))
