"""The host's own settings: frozen models; each field says its effect, its unit and, where it could be wondered, why."""

import ipaddress
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from nexus.config.auth_settings import AuthSettings, IssuerSettings, KeySettings
from nexus.config.ui_settings import UiSettings
from nexus.spec.job import Overlap
from nexus.spec.names import MODULE_NAME, PART_NAME

__all__ = [
    "AuthSettings",
    "CacheSettings",
    "ChecksSettings",
    "ClientSettings",
    "EventsSettings",
    "GlobalSettings",
    "HostSettings",
    "IssuerSettings",
    "JobEntry",
    "JobsSettings",
    "KeySettings",
    "LogSettings",
    "ModuleEntry",
    "NoSettings",
    "ServerSettings",
    "StoreSettings",
    "UiSettings",
]

Seconds = Annotated[float, Field(gt=0, le=31_536_000, allow_inf_nan=False)]
SecondsOrNone = Annotated[float, Field(ge=0, le=31_536_000, allow_inf_nan=False)]
RawTable = dict[str, object]
"""A table that is bound later, to a model that only the module knows."""

_STORES: Final = ("sqlite", "postgresql")
_CACHES: Final = ("memory", "redis", "rediss")
TWINS: Final = "has two jobs of one name: give each entry of one type a 'name' of its own"
"""Said of a module's jobs by its table's model, and where an entry is wrong, which the model then stops at."""


class Table(BaseModel):
    """A table of the configuration: frozen, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)


def _absent(model: type[BaseModel], description: str) -> Any:
    """Gives the field of a table that may be absent, and is made of its defaults then.

    They stand here and need no validation, which would build a schema for each such table at every start.
    """
    return Field(default_factory=model.model_construct, description=description)


class ServerSettings(Table):
    """`[global.server]`: where the host listens, and the bounds of what it takes."""

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on; loopback unless you mean more.")
    port: int = Field(3001, ge=0, le=65_535, description="TCP port; 0 takes a free one.")
    shutdown_grace: SecondsOrNone = Field(30, description="Seconds that requests in flight get to finish.")
    shutdown_delay: SecondsOrNone = Field(
        0, description="Seconds between 'not ready' and refusing connections, for a load balancer to notice."
    )
    max_body_bytes: int = Field(1_048_576, ge=0, le=1_073_741_824, description="Bytes of a request's body.")
    max_header_bytes: int = Field(8190, ge=1024, le=65_536, description="Bytes of one header field.")
    max_line_bytes: int = Field(8190, ge=1024, le=65_536, description="Bytes of the request line.")
    header_timeout: Seconds = Field(15, description="Seconds in which a request's head must arrive, else 408.")
    request_timeout: Seconds = Field(
        60, description="Seconds until a request without an answer is given 504, or 408 where its body is missing."
    )
    write_timeout: Seconds = Field(
        60, description="Seconds a client may read nothing of its answer; then its connection is cut."
    )
    max_connections: int = Field(
        10_000, ge=1, le=1_000_000, description="Connections open at once; one more is given 503 and closed."
    )
    max_concurrency: int = Field(1000, ge=1, le=1_000_000, description="Requests in flight; one more is given 503.")
    module_concurrency: int = Field(200, ge=1, le=1_000_000, description="Requests in flight in one module.")
    keepalive_timeout: Seconds = Field(75, description="Seconds an idle connection is kept.")
    trusted_proxies: tuple[str, ...] = Field((), description="Addresses or networks whose X-Forwarded-For is believed.")

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ipaddress.ip_network(network, strict=False)
            except ValueError:
                raise ValueError("holds what is no address or network: write for instance '10.0.0.0/8'") from None
        return value


class StoreSettings(Table):
    """`[global.store]`: where runs are kept."""

    url: str = Field("sqlite:///.nexus/nexus.db", description="SQLite file, or PostgreSQL where replicas share it.")

    @field_validator("url")
    @classmethod
    def _has_known_scheme(cls, value: str) -> str:
        return _with_scheme(value, _STORES)


class CacheSettings(Table):
    """`[global.cache]`: the cache that each module gets a part of."""

    url: str = Field("memory://", description="'memory://', or 'redis://…' to share it between replicas.")
    ttl: Seconds = Field(300, description="Seconds an entry is kept where the module does not say.")
    max_entries: int = Field(1000, ge=1, le=10_000_000, description="Entries of one module in memory.")

    @field_validator("url")
    @classmethod
    def _has_known_scheme(cls, value: str) -> str:
        return _with_scheme(value, _CACHES)


class JobsSettings(Table):
    """`[global.jobs]`: how much of jobs there is at once, and what is kept of their runs."""

    concurrency: int = Field(50, ge=1, le=1000, description="Runs at once on this replica; more wait.")
    total_concurrency: int | None = Field(
        None, ge=1, le=100_000, description="Runs at once over all replicas; absent: as many as each has places for."
    )
    keep_runs: int = Field(1000, ge=1, le=1_000_000, description="Ended runs that are kept of each job.")
    keep_days: Annotated[float, Field(gt=0, le=3650)] = Field(30, description="Days for which an ended run is kept.")
    log_lines: int = Field(500, ge=1, le=10_000, description="Latest lines of a run's log that are kept.")
    result_bytes: int = Field(65_536, ge=2, le=1_048_576, description="Bytes of a result; a larger one is not kept.")


class LogSettings(Table):
    """`[global.log]`: what is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least severity written.")
    format: Literal["auto", "text", "json"] = Field("auto", description="'auto': text on a terminal, else JSON lines.")
    access: Literal["none", "errors", "all"] = Field("errors", description="Requests that leave a line of their own.")


class ChecksSettings(Table):
    """`[global.checks]`: how often health is looked at where a check does not say."""

    interval: Seconds = Field(30, description="Seconds between two runs of a check.")
    timeout: Seconds = Field(2, description="Seconds after which a check has failed.")


class ClientSettings(Table):
    """`[global.client]`: the HTTP client that all modules share."""

    timeout: Seconds = Field(30, description="Seconds one outgoing request may take in all.")
    connect_timeout: Seconds = Field(5, description="Seconds until its connection must stand.")
    max_connections: int = Field(100, ge=1, le=100_000, description="Outgoing connections at once.")


class EventsSettings(Table):
    """`[global.events]`: how much is remembered of what happens."""

    kept: int = Field(1000, ge=1, le=100_000, description="Events that who follows them anew can catch up with.")
    waiting: int = Field(256, ge=1, le=100_000, description="Events that may wait for one reader; then it is let go.")


class GlobalSettings(Table):
    """`[global]`: the host itself."""

    name: str = Field("nexus", min_length=1, max_length=200, description="Of this instance; shown in /api/version.")
    base_url: str = Field(
        "http://localhost:3001",
        description="How the outside reaches it: scheme, host and port; absent: localhost and the port of the server.",
    )
    path: str = Field("/", description="Where everything is mounted; '/nexus' behind a proxy, say.")
    server: ServerSettings = _absent(ServerSettings, "Where it listens, and bounds.")
    auth: AuthSettings | None = Field(None, description="Whose tokens open it; absent: the local issuer's.")
    store: StoreSettings = _absent(StoreSettings, "Where runs are kept.")
    jobs: JobsSettings = _absent(JobsSettings, "Runs at once, and what is kept of them.")
    cache: CacheSettings = _absent(CacheSettings, "The modules' cache.")
    log: LogSettings = _absent(LogSettings, "What is logged.")
    checks: ChecksSettings = _absent(ChecksSettings, "How often health is looked at.")
    client: ClientSettings = _absent(ClientSettings, "The modules' HTTP client.")
    events: EventsSettings = _absent(EventsSettings, "How much is remembered of them.")
    ui: UiSettings = _absent(UiSettings, "The pages, and how people sign in to them.")

    @model_validator(mode="before")
    @classmethod
    def _has_a_base_url_with_its_port(cls, data: object) -> object:
        # Challenges and metadata that named the default port would lead callers of another port to nobody.
        server = data.get("server") if isinstance(data, dict) else None
        port = str(server.get("port", "")) if isinstance(server, dict) else ""
        if not isinstance(data, dict) or "base_url" in data or not port.isdecimal() or not 0 < int(port) <= 65_535:
            return data
        return {**data, "base_url": f"http://localhost:{int(port)}"}

    @field_validator("base_url")
    @classmethod
    def _is_url(cls, value: str) -> str:
        parts = urlsplit(_with_scheme(value, ("http", "https")))
        if not parts.hostname or parts.query or parts.fragment or parts.username is not None:
            raise ValueError("is not a plain URL: write scheme, host and port, for instance 'https://nexus.example'")
        return value

    @field_validator("path")
    @classmethod
    def _is_mount_point(cls, value: str) -> str:
        segments = value.strip("/").split("/") if value.strip("/") else []
        plain = all(segment and segment.replace("-", "").replace("_", "").isalnum() for segment in segments)
        if not value.startswith("/") or not plain or not value.isascii():
            raise ValueError("is not a mount point: write '/' or for instance '/nexus'")
        return value

    @field_validator("ui")
    @classmethod
    def _has_one_issuer_for_the_pages(cls, value: UiSettings, info: ValidationInfo) -> UiSettings:
        # Here and not with the whole model, so that it is told beside mistakes in other tables.
        if "auth" not in info.data:
            return value  # wrong itself
        auth: AuthSettings | None = info.data["auth"]
        issuers = {each.issuer: each.audience for each in auth.all_issuers()} if auth else {}
        if value.issuer is not None and value.issuer not in issuers:
            raise ValueError("'ui.issuer' is none of the issuers in 'auth': name one of them")
        if value.client_id is not None:
            if not issuers:
                raise ValueError("'ui.client_id' is for an issuer, and 'auth' has none: configure one, or remove it")
            if len(issuers) > 1 and value.issuer is None:
                raise ValueError("'auth' has several issuers: say in 'ui.issuer' at which of them people sign in")
            if value.client_id in issuers.values():
                # An ID token, whose audience is the client, would then be as good as an access token.
                raise ValueError("'ui.client_id' is an audience of 'auth' too: give the API an audience of its own")
        return value


class JobEntry(Table):
    """`[[modules.<name>.jobs]]`: one job of a module, when it runs and with which options."""

    type: str = Field(min_length=1, description="One of the module's jobs.")
    name: str | None = Field(None, description="Unique in the module, and a URL's segment; the type where absent.")
    schedule: str | None = Field(None, description="Cron, 5 fields, or 6 with seconds first; absent: on demand only.")
    timezone: str = Field("UTC", description="IANA zone that the schedule is read in.")
    options: RawTable = Field(default_factory=dict, description="Bound to the job's own model.")
    overlap: Overlap | None = Field(None, description="What happens to a run due while the last one still runs.")
    concurrency: int | None = Field(None, ge=1, le=1000, description="Runs of it at once over all replicas; more wait.")
    deadline: Seconds | None = Field(None, description="Seconds after its instant in which a run may still start.")
    jitter: SecondsOrNone | None = Field(None, description="Seconds by which a start may be delayed at random.")
    attempts: int | None = Field(None, ge=1, le=100, description="How often a failing run is tried.")
    retry_delay: Seconds = Field(10, description="Seconds before the second attempt; doubled before each further one.")
    retry_delay_max: Seconds = Field(600, description="The most seconds between two attempts.")
    timeout: Seconds | None = Field(None, description="Seconds one attempt may take.")
    paused: bool = Field(False, description="True: its schedule rests.")

    @field_validator("name")
    @classmethod
    def _is_segment(cls, value: str | None) -> str | None:
        if value is not None and not PART_NAME.fullmatch(value):
            raise ValueError("is not usable in a URL: use up to 64 letters, digits and '.:_-', a letter first")
        return value

    @field_validator("schedule")
    @classmethod
    def _has_fields(cls, value: str | None) -> str | None:
        if value is not None and len(value.split()) not in (5, 6):
            raise ValueError("is not a cron schedule: write 5 fields, or 6 with seconds first, as in '0 8 * * 5'")
        return value

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("is not a time zone: write an IANA name such as 'Europe/Berlin'") from None
        return value


class ModuleEntry(Table):
    """`[modules.<name>]`: that a module runs, and how."""

    path: str | None = Field(None, min_length=1, description="Folder that holds it; absent: installed or shipped.")
    enabled: bool = Field(True, description="False: it is shown, but does not run.")
    required: bool = Field(False, description="True: the host is not ready without it.")
    startup_timeout: Annotated[float, Field(gt=0, le=600)] = Field(10, description="Seconds its start may take.")
    shutdown_timeout: Annotated[float, Field(gt=0, le=600)] = Field(10, description="Seconds its stop may take.")
    config: RawTable = Field(default_factory=dict, description="Bound to the module's own model.")
    jobs: tuple[JobEntry, ...] = Field((), description="The jobs it runs.")

    @field_validator("jobs")
    @classmethod
    def _have_own_names(cls, value: tuple[JobEntry, ...]) -> tuple[JobEntry, ...]:
        names = [job.name or job.type for job in value]
        if len(set(names)) != len(names):
            raise ValueError(TWINS)
        return value


class NoSettings(Table):
    """The settings of a module that declares none: every key is one too many."""


class HostSettings(Table):
    """The whole configuration; what a module's own tables mean is bound later."""

    global_: GlobalSettings = Field(
        default_factory=GlobalSettings.model_construct, alias="global", description="The host itself."
    )
    modules: dict[str, ModuleEntry] = Field(default_factory=dict, description="What runs: only what has a table here.")

    @field_validator("modules")
    @classmethod
    def _have_usable_names(cls, value: dict[str, ModuleEntry]) -> dict[str, ModuleEntry]:
        for name in value:
            if not MODULE_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no module name: use a-z, 0-9, '-' and '_', a letter first")
        return value


def _with_scheme(value: str, schemes: tuple[str, ...]) -> str:
    if urlsplit(value).scheme not in schemes:
        raise ValueError(f"does not begin with one of {', '.join(scheme + '://' for scheme in schemes)}")
    return value
