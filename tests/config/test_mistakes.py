"""Everything that is wrong is told in one run, each with its file, its line and what to do."""

from pydantic import BaseModel, Field, field_validator

from nexus.config.binding import bind
from nexus.config.host_binding import bind_host
from nexus.config.scrubber import Scrubber
from nexus.config.secret import Secret
from tests.config.conftest import Load

MAIN = """\
[global]
nmae = "typo"
base_url = "localhost:3001"
path = "nexus"

[global.server]
port = "eighty"
host = ""
shutdwon_grace = 3

[global.auth]
issuer = "http://issuer.example/"
audience = "a"
algorithms = ["HS256"]
leeway = 301

[modules.shop]
startup_timeout = 0
enabeld = false

[modules.shop.config]
colour = "purple"
api_key = { env = "SHOP_KEY" }
pin = [1234567890]
tags = ["a", 2]

[[modules.shop.jobs]]
type = "sweep"
schedule = "often"

[[modules.shop.jobs]]
type = "sweep"
timezone = "Mars/Olympus"
overlap = "maybe"

[modules."Bad Name"]

[servers]
[moduels.shop]
"""

PRODUCTION = """\
# only what differs

[global.log]
level = "loud"
[global.cache]
url = "memcached://x"
[modules.shop.config.limits]
max = -1
"""

MORE = """\
modules.shop.config.limits.maxx = 5
modules.other = 3
"""


class Limits(BaseModel):
    model_config = {"extra": "forbid"}

    max: int = Field(1, ge=0)


class Shop(BaseModel):
    model_config = {"extra": "forbid"}

    colour: str = "red"
    api_key: Secret
    pin: Secret | None = None
    tags: tuple[str, ...] = ()
    limits: Limits = Limits()
    needed: int

    @field_validator("colour")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in ("red", "blue"):
            raise ValueError("is no colour of ours: use 'red' or 'blue'")
        return value


EXPECTED = {
    "config.toml:2: global.nmae: is not known here: did you mean 'name'?",
    "config.toml:3: global.base_url: does not begin with one of http://, https://",
    "config.toml:4: global.path: is not a mount point: write '/' or for instance '/nexus'",
    "config.toml:7: global.server.port: is a text and should be a valid integer",
    "config.toml:8: global.server.host: is a text and should have at least 1 character",
    "config.toml:9: global.server.shutdwon_grace: is not known here: did you mean 'shutdown_grace'?",
    "config.toml:12: global.auth.issuer: does not use https: only a loopback address may use http",
    (
        "config.toml:14: global.auth.algorithms: only asymmetric algorithms are accepted: use some of ES256, ES384,"
        " ES512, Ed25519, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512"
    ),
    "config.toml:15: global.auth.leeway: is an integer and should be less than or equal to 300",
    "config.toml:18: modules.shop.startup_timeout: is an integer and should be greater than 0",
    "config.toml:19: modules.shop.enabeld: is not known here: did you mean 'enabled'?",
    "config.toml:21: modules.shop.config.needed: is missing: give it a value",
    "config.toml:22: modules.shop.config.colour: is no colour of ours: use 'red' or 'blue'",
    "config.toml:23: modules.shop.config.api_key: the variable SHOP_KEY is not set: set it, or take the reference out",
    'config.toml:24: modules.shop.config.pin: is not a text: give a string, or a reference such as { env = "NAME" }',
    "config.toml:25: modules.shop.config.tags[1]: is an integer and should be a valid string",
    (
        "config.toml:29: modules.shop.jobs[0].schedule: is not a cron schedule: write 5 fields, or 6 with seconds"
        " first, as in '0 8 * * 5'"
    ),
    "config.toml:33: modules.shop.jobs[1].timezone: is not a time zone: write an IANA name such as 'Europe/Berlin'",
    "config.toml:34: modules.shop.jobs[1].overlap: is a text and should be 'forbid', 'allow' or 'replace'",
    (
        'config.toml:36: modules."Bad Name": is no name for a module: use'
        " up to 64 of a-z, 0-9, '-' and '_', a letter first"
    ),
    "config.toml:38: servers: is not known here: known are [global] and [modules.<name>]",
    "config.toml:39: moduels: is not known here: did you mean 'modules'?",
    "config.prod.toml:4: global.log.level: is a text and should be 'debug', 'info', 'warning' or 'error'",
    "config.prod.toml:6: global.cache.url: does not begin with one of memory://, redis://, rediss://",
    "config.prod.toml:8: modules.shop.config.limits.max: is an integer and should be greater than or equal to 0",
    "more.toml:1: modules.shop.config.limits.maxx: is not known here: did you mean 'max'?",
    "more.toml:2: modules.other: is no table: write [modules.other]",
    (
        "env NEXUS__GLOBAL__SERVER__KEEPALIVE_TIMEOUT: global.server.keepalive_timeout: is a text and should be greater"
        " than 0"
    ),
    "env NEXUS__GLOBAL__CHECKS__INTERVALL: global.checks.intervall: is not known here: did you mean 'interval'?",
    (
        "env NEXUS__GLOBAL__NAME_FILE: global.name: the file /nowhere cannot be read (No such file or directory):"
        " check path and permissions"
    ),
    "flag --max-body-bytes: global.server.max_body_bytes: is an integer and should be greater than or equal to 0",
}


def test_thirty_mistakes_in_five_layers_are_all_told_with_their_places(load_files: Load):
    scrubber = Scrubber()
    loaded = load_files(
        {"config.toml": MAIN, "config.prod.toml": PRODUCTION, "more.toml": MORE},
        named=("config.toml", "more.toml"),
        environ={
            "NEXUS_ENV": "prod",
            "NEXUS__GLOBAL__SERVER__KEEPALIVE_TIMEOUT": "0",
            "NEXUS__GLOBAL__CHECKS__INTERVALL": "5",
            "NEXUS__GLOBAL__NAME_FILE": "/nowhere",
        },
        flags={"global.server.max_body_bytes": -1},
    )

    host = bind_host(loaded, scrubber)
    shop = bind(loaded.tree, ("modules", "shop", "config"), Shop, scrubber=scrubber)

    told = [str(problem) for problem in (*loaded.problems, *host.problems, *shop.problems)]
    assert set(told) == EXPECTED
    assert len(told) == len(EXPECTED), "each is told once"
    assert (host.value, shop.value) == (None, None)
    assert "1234567890" not in "\n".join(told)
