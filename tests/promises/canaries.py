"""Secrets that are given in every way there is, and the search for what is left of them in any output."""

import base64
import itertools
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_WINDOW = 12
"""A secret has leaked where so many characters of it in a row are found: enough that no chance explains them."""


@dataclass(frozen=True, slots=True)
class Canary:
    """One secret.

    Attributes:
        way: how it is given.
        core: what is searched for; random, so that it is nothing else.
        value: the whole secret, which has `core` in it.
    """

    way: str
    core: str
    value: str

    def traces(self) -> Iterator[tuple[str, bytes]]:
        """Every piece that must not be found, with the name of its form."""
        yield from (("plain", piece.encode()) for piece in _windows(self.core))
        for form, encode in (("base64", base64.standard_b64encode), ("base64url", base64.urlsafe_b64encode)):
            for offset in range(3):
                encoded = encode(b"x" * offset + self.core.encode()).decode().rstrip("=")
                yield from ((form, piece.encode()) for piece in _windows(encoded[4:-4]))


def _windows(text: str) -> Iterator[str]:
    return (text[at : at + _WINDOW] for at in range(len(text) - _WINDOW + 1))


def canary(way: str, before: str = "", after: str = "") -> Canary:
    """A new secret with a random core."""
    core = "".join(secrets.choice("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(32))
    return Canary(way, core, before + core + after)


def leaks(outputs: Mapping[str, bytes], canaries: Mapping[str, Canary]) -> list[str]:
    """Where which canary was found, with what stands around it; empty where all is well."""
    found = []
    for (where, output), each in itertools.product(outputs.items(), canaries.values()):
        for form, trace in each.traces():
            at = output.find(trace)
            if at >= 0:
                around = output[max(0, at - 160) : at + 60].decode(errors="replace")
                found.append(f"{each.way} as {form} in {where}: …{around}…")
                break
    return found


@dataclass(slots=True)
class Given:
    """A configuration whose every value is a canary.

    Attributes:
        canaries: by the key that holds them.
        environ: variables to set.
        tables: TOML, what goes below `[modules.<name>.config]`.
    """

    canaries: dict[str, Canary] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    tables: str = ""


AWKWARD = "pä ss/+&=%\"\\'{}?#😀"
PEM = ("-----BEGIN KEY-----\n", "\nabc\n-----END KEY-----")


def given(folder: Path, module: str) -> Given:
    """Gives a secret in every way: references, variables, files, literals, nested, in arrays, maps and URLs."""
    it = Given()

    def new(key: str, *around: str) -> str:
        it.canaries[key] = canary(key, *around)
        return it.canaries[key].value

    def variable(key: str, *around: str) -> str:
        name = f"CANARY_{module}_{key}".upper()
        it.environ[name] = new(key, *around)
        return f'{{ env = "{name}" }}'

    def mounted(key: str, *around: str) -> str:
        path = folder / f"secret-{module}-{key}"
        path.write_text(new(key, *around) + "\n")
        path.chmod(0o600)
        return str(path)

    prefix = f"NEXUS__MODULES__{module.upper()}__CONFIG__"
    it.environ[f"{prefix}BY_VARIABLE"] = new("by_variable")
    it.environ[f"{prefix}BY_MOUNT_FILE"] = mounted("by_mount")
    it.environ[f"{module.upper()}_BY_NAME"] = new("by_name")
    it.tables = f"""
by_reference = {variable("by_reference")}
by_file = {{ file = "{mounted("by_file")}" }}
by_name = "__env__"
literal = "{new("literal")}"
awkward = {variable("awkward", AWKWARD, AWKWARD)}
lines = {{ file = "{mounted("lines", *PEM)}" }}
plain_text = {variable("plain_text")}
dsn = "postgresql://ann:{new("dsn")}@db.internal/main"
dsn_by_reference = {variable("dsn_by_reference", "amqp://ann:", "@mq.internal/main")}
keys = [{variable("first_of_array")}, "{new("second_of_array")}"]
[modules.{module}.config.nested]
key = {variable("nested")}
[modules.{module}.config.nested.deeper]
key = "{new("deeper")}"
[modules.{module}.config.headers]
authorization = {variable("in_map")}
"""
    return it
