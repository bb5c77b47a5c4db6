"""What `nexus serve` says once it serves: where, what runs, and how to get in."""

import asyncio
import contextlib
import logging
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nexus.auth.exposure import local_issuer_serves
from nexus.cli.addresses import local_url, pages_url
from nexus.cli.console import emit
from nexus.cli.module_list import emit_module_table
from nexus.spec.errors import NexusError

if TYPE_CHECKING:
    from nexus.host.host import Host
    from nexus.http.server import HttpServer

_log: Final = logging.getLogger("nexus.serve")


@dataclass(frozen=True, slots=True)
class Announcement:
    """Prints the host's address, its modules and a way to a token; `files` and `environment` are those of the start."""

    files: tuple[Path, ...]
    environment: str | None

    def __call__(self, host: "Host", server: "HttpServer") -> None:
        """Prints; a terminal that is gone is no reason for the host to go too."""
        with contextlib.suppress(OSError):
            self._print(host, server)

    def _print(self, host: "Host", server: "HttpServer") -> None:
        settings = host.settings.global_
        url = local_url(settings.server.host, server.port, settings.path)
        emit(f"{settings.name} serves at {url}")
        emit()
        emit_module_table(
            [
                {
                    "name": module.name,
                    "version": module.record.version,
                    "state": module.status.state.value,
                    "reason": {"message": module.status.reason.message} if module.status.reason else None,
                }
                for module in host.modules.values()
            ]
        )
        emit()
        permission = settings.auth.permission if settings.auth else "admin"
        emit(f"token:  {self._token_command(permission)}")
        emit(f'use it: curl -H "Authorization: Bearer $({self._token_command(permission)})" {url}/api/version')
        if not local_issuer_serves(settings.auth):
            emit("        (NEXUS_CLIENT_ID and NEXUS_CLIENT_SECRET name the client that your issuer knows)")
        pages = pages_url(settings, server.port)
        if local_issuer_serves(settings.auth):
            host.supervisor.start("nexus-dashboard-link", _emit_link(host, pages))
        else:
            emit(f"pages:  {pages}/ui")

    def _token_command(self, permission: str) -> str:
        words = [_own_command(), "token", "--permission", permission]
        for file in self.files:
            words += ["-c", str(file)]
        if self.environment is not None:
            words += ["--env", self.environment]
        return shlex.join(words)


async def _emit_link(host: "Host", pages: str) -> None:
    """Prints a link to the pages, a moment after the rest: nobody is to wait until its store is open."""
    try:
        link = await asyncio.to_thread(_new_link, host, pages)
    except (NexusError, OSError, ImportError) as error:
        # The last two where no file can be opened any more: the host serves without a link.
        _log.warning("no link to the pages: %s", error, extra={"event": "ui.no_link"})
        return
    with contextlib.suppress(OSError):
        emit(f"pages:  {link}")
        emit("        (works once, within ten minutes; 'nexus dashboard link' makes another)")


def _new_link(host: "Host", pages: str) -> str:
    from nexus.ui.sign_in.new_link import new_link

    return new_link(pages, host.settings.global_.store, host.state_dir)


def _own_command() -> str:
    """Gives `nexus` where a shell finds this installation by that name, else its file, as in a clone's `.venv`."""
    own, found = Path(sys.executable).with_name("nexus"), shutil.which("nexus")
    if not own.is_file() or (found is not None and own.samefile(found)):
        return "nexus"
    return str(own.relative_to(Path.cwd())) if own.is_relative_to(Path.cwd()) else str(own)
