"""The top of the command line: which commands there are, and how whatever they raise becomes an exit code."""

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, NoReturn

import click

from nexus.cli.console import plain, problem_line, say
from nexus.cli.failure import ExitCode, Failed
from nexus.config.problem import InvalidConfig
from nexus.spec.errors import NexusError
from nexus.spec.names import nearest


class _Place(NamedTuple):
    module: str
    attribute: str
    help: str


COMMANDS: Final[dict[str, _Place]] = {
    "serve": _Place("serve", "serve", "Run the host."),
    "check": _Place("check", "check", "Tell every mistake in the configuration; start nothing."),
    "config": _Place("config_commands", "config", "Show the settings in effect, or their JSON Schema."),
    "modules": _Place("module_list", "modules", "List the modules and where they stand, or show one."),
    "routes": _Place("routes", "routes", "List the routes and what they ask of a caller."),
    "jobs": _Place("job_commands", "jobs", "List the jobs; run, pause or resume one."),
    "runs": _Place("run_commands", "runs", "List the runs of jobs; show, cancel or retry one."),
    "health": _Place("health", "health", "Ask the running host how it is; exit 0 or 1."),
    "dashboard": _Place("dashboard", "dashboard", "Open the pages: print a one-time link."),
    "token": _Place("token", "token", "Print a bearer token."),
    "auth": _Place("auth_check", "auth", "Check the issuers, and explain what is decided of a token."),
    "new": _Place("new", "new", "Write the beginning of a new module."),
    "module": _Place("module_check", "module", "Check a module's code before it runs anywhere."),
    "version": _Place("version", "version", "Show the versions of Nexus and of what it runs on."),
}
"""Name, place and summary of each command; the summary stands here so that help imports none of them."""


class Root(click.Group):
    """A group whose commands are imported when they are used, and the one place that gives exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Gives the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Imports the command of this name; None where there is none."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        command = getattr(importlib.import_module(f"nexus.cli.{place.module}"), place.attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"nexus.cli.{place.module}.{place.attribute} is no command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, naming the nearest command where there is none of this name."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            near = nearest(args[0], COMMANDS)
            hint = f"did you mean '{near}'?" if near else "'nexus --help' lists them all"
            ctx.fail(f"there is no command '{args[0]}': {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Writes the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.help) for name, place in COMMANDS.items()])

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> NoReturn:
        """Runs a command and ends the process; expected trouble is one sentence, a bug keeps its traceback."""
        extra["standalone_mode"] = False
        if os.environ.get("NO_COLOR"):
            extra.setdefault("color", False)
        try:
            code = super().main(args, *rest, **extra)
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except click.Abort:
            code = ExitCode.INTERRUPTED
        except NexusError as error:
            code = _told(error)
        except OSError as error:
            if not _is_of_output(error):
                raise
            code = _told(Failed(f"the output cannot be written: {(error.strerror or 'no reason given').lower()}"))
        sys.exit(int(code) if isinstance(code, int) else ExitCode.OK)


def _is_of_output(error: OSError) -> bool:
    """True where what failed was writing to stdout or stderr."""
    frames = [frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)]
    return frames[-1] is click.echo.__code__


def _told(error: NexusError) -> ExitCode:
    if isinstance(error, InvalidConfig):
        for problem in error.problems:
            say(plain(problem_line(problem)))
        return ExitCode.CONFIG
    say(f"nexus: {error}")
    return error.code if isinstance(error, Failed) else ExitCode.FAILED


_HELP: Final = """Hosts integration modules: routes, jobs and health checks in one guarded process.

\b
nexus serve                       run it
nexus token --permission admin    get a token for it
nexus dashboard link              look at it in a browser
"""


@click.command(cls=Root, help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nexus-host", prog_name="nexus", message="%(prog)s %(version)s")
def cli() -> None:
    """The top of the command line."""
