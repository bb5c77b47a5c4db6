"""The commands of Nexus.

Only click is imported to show help or to complete a word: each command is a module of its own, imported on use, and
imports what it needs when it runs.
"""

from nexus.cli import collector
from nexus.cli.root import cli

__all__ = ["cli", "main"]


def main() -> None:
    """Runs the command line; ends the process with one of the exit codes of `nexus.cli.failure`."""
    collector.rest_while_loading()
    cli.main(prog_name="nexus")
