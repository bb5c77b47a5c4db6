"""What `[modules.uptime.config]` may say."""

import re
from dataclasses import dataclass
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

MAX_TARGETS: Final = 200
"""With 500 results of each, what is kept stays in the tens of megabytes."""

_STATUSES: Final = re.compile(r"([1-5]\d\d)(?:\s*-\s*([1-5]\d\d))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Statuses:
    """HTTP statuses from `first` to `last`, both included."""

    first: int
    last: int

    def __contains__(self, status: int) -> bool:
        return self.first <= status <= self.last

    def __str__(self) -> str:
        return f"{self.first}-{self.last}" if self.first < self.last else str(self.first)


class Target(BaseModel):
    """One service to watch."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
        description="Unique; what the target is called in answers and events.",
    )
    url: str = Field(max_length=2000, description="What is asked for: http:// or https://, without a user or password.")
    method: Literal["GET", "HEAD"] = Field("GET", description="HEAD where the service answers it and GET is costly.")
    expected: int | str = Field(
        "200-299", description='The status that means up, as in 204, or a range, as in "200-399".'
    )
    timeout: float = Field(10, gt=0, le=60, description="Seconds in which the head of the answer must have come.")
    follow_redirects: bool = Field(
        False, description="True: up to 5 redirections are followed and the last answer counts."
    )

    @field_validator("url")
    @classmethod
    def _is_url(cls, value: str) -> str:
        try:
            url = urlsplit(value)
            usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
        except ValueError:
            raise ValueError("is no URL: write for instance 'https://shop.example/health'") from None
        if not usable:
            raise ValueError("is no URL of a web service: write for instance 'https://shop.example/health'")
        if url.username is not None or url.password is not None:
            raise ValueError("holds a user or password, which answers would show: take it out")
        return value

    @field_validator("expected")
    @classmethod
    def _is_statuses(cls, value: int | str) -> int | str:
        parse_statuses(value)
        return value

    @property
    def statuses(self) -> Statuses:
        """The statuses that mean up."""
        return parse_statuses(self.expected)


class Settings(BaseModel):
    """What `[modules.uptime.config]` may say."""

    targets: Annotated[tuple[Target, ...], Field(max_length=MAX_TARGETS)] = Field(
        description="The services to watch; an empty list watches none."
    )
    concurrency: int = Field(10, ge=1, le=100, description="Probes at once.")
    keep: int = Field(100, ge=1, le=500, description="Results of each target that are kept in memory.")
    failures_before_down: int = Field(2, ge=1, le=100, description="Failures in a row after which a target is down.")

    @field_validator("targets")
    @classmethod
    def _have_own_names(cls, value: tuple[Target, ...]) -> tuple[Target, ...]:
        names = [target.name for target in value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"has two targets of one name ({', '.join(twice)}): give each a name of its own")
        return value


def parse_statuses(value: int | str) -> Statuses:
    """Gives the statuses that a setting means.

    Raises:
        ValueError: it is neither a status nor a range.
    """
    found = _STATUSES.fullmatch(str(value).strip())
    if found is None:
        raise ValueError('is neither a status nor a range: write 204, or "200-299"')
    first = int(found[1])
    last = int(found[2] or first)
    if last < first:
        raise ValueError("is a range that ends before it begins: write the lower status first")
    return Statuses(first, last)
