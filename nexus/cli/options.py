"""Options that several commands share, each defined once."""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


class Duration(click.ParamType[float]):
    """A duration such as `90`, `90s`, `15m` or `1h`, given in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Gives the seconds."""
        if isinstance(value, int | float):
            return float(value)
        found = _DURATION.fullmatch(str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no duration: write for instance 90s, 15m or 1h", param, ctx)
        return float(found[1]) * _SECONDS[found[2]]


class WholeNumber(click.IntRange):
    """An integer within bounds, whose mistakes are told in these words and not as an "integer range"."""

    name = "whole number"


def configured(command: F) -> F:
    """Adds `-c FILE` and `--env NAME`, passed on as `files` and `environment`."""
    files = click.option(
        "-c",
        "--config",
        "files",
        multiple=True,
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="A configuration file; the first in the place of ./config.toml, further ones over it.",
    )
    environment = click.option(
        "--env", "environment", metavar="NAME", help="Read config.NAME.toml too; NEXUS_ENV is the default."
    )
    return files(environment(command))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the command line says of the host to talk to.

    Attributes:
        url: of the host, its mount point included; None: `NEXUS_URL`, else the configured address.
        token: `-` reads it from stdin; None: `NEXUS_TOKEN`, else a local one.
        files: configuration files.
        environment: the configuration's environment.
    """

    url: str | None = None
    token: str | None = None
    files: tuple[Path, ...] = ()
    environment: str | None = None

    def or_else(self, other: "Target") -> "Target":
        """Gives this with what is not said taken from `other`."""
        return Target(
            url=self.url or other.url,
            token=self.token or other.token,
            files=self.files or other.files,
            environment=self.environment or other.environment,
        )


def remote(command: Callable[..., R]) -> Callable[..., R]:
    """Adds `-c`, `--env`, `--url` and `--token`, passed on together as `target`."""

    @functools.wraps(command)
    def collected(
        *args: Any, url: str | None, token: str | None, files: tuple[Path, ...], environment: str | None, **others: Any
    ) -> R:
        return command(*args, target=Target(url=url, token=token, files=files, environment=environment), **others)

    place = click.option("--url", metavar="URL", help="Where the host is; else NEXUS_URL, else as configured.")
    key = click.option(
        "--token", metavar="TOKEN", help="Bearer token, '-' for stdin; else NEXUS_TOKEN, else a local one."
    )
    return configured(place(key(collected)))


def as_json(command: F) -> F:
    """Adds `--json`, passed on as `json_wanted`."""
    return click.option("--json", "json_wanted", is_flag=True, help="Write JSON to stdout.")(command)


offline = click.option("--offline", is_flag=True, help="Show what the configuration would load; ask no host.")
"""Adds `--offline`, passed on under its name."""
