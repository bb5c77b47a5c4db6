"""The tables of `docs/configuration.md`, made from the models themselves.

`python -m tests.docs.settings_tables` writes them anew between the page's markers.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from nexus.config.auth_settings import AuthSettings, IssuerSettings, KeySettings
from nexus.config.settings import (
    CacheSettings,
    ChecksSettings,
    ClientSettings,
    EventsSettings,
    GlobalSettings,
    JobEntry,
    JobsSettings,
    LogSettings,
    ModuleEntry,
    ServerSettings,
    StoreSettings,
    UiSettings,
)

from .fences import ROOT

PAGE = ROOT / "docs" / "configuration.md"
TABLES: dict[str, type[BaseModel]] = {
    "[global]": GlobalSettings,
    "[global.server]": ServerSettings,
    "[global.auth]": AuthSettings,
    "[[global.auth.issuers]]": IssuerSettings,
    "[global.auth.keys]": KeySettings,
    "[global.ui]": UiSettings,
    "[global.log]": LogSettings,
    "[global.checks]": ChecksSettings,
    "[global.client]": ClientSettings,
    "[global.events]": EventsSettings,
    "[global.cache]": CacheSettings,
    "[global.store]": StoreSettings,
    "[global.jobs]": JobsSettings,
    "[modules.<name>]": ModuleEntry,
    "[[modules.<name>.jobs]]": JobEntry,
}

_FIRST = ("issuer", "audience")
"""Keys that a table begins with, whatever class they were inherited from."""

_MARKED = re.compile(r"<!-- settings: (.+?) -->\n(.*?)<!-- end -->", re.DOTALL)


def written(text: str) -> str:
    """Gives the page's text with every table as the models have it."""
    return _MARKED.sub(lambda found: f"<!-- settings: {found[1]} -->\n{table(TABLES[found[1]])}<!-- end -->", text)


def marked(text: str) -> set[str]:
    """Gives the names of the tables that the page holds."""
    return {found[1] for found in _MARKED.finditer(text)}


def table(model: type[BaseModel]) -> str:
    """Gives one model as a Markdown table."""
    rows = ["| key | takes | default | effect |", "|---|---|---|---|", *_rows(model)]
    return "\n".join(rows) + "\n"


def _rows(model: type[BaseModel]) -> Iterator[str]:
    schema = model.model_json_schema(by_alias=False)
    definitions = schema.get("$defs", {})
    for key, setting in sorted(schema["properties"].items(), key=lambda item: item[0] not in _FIRST):
        if _is_table(setting, definitions):
            continue  # it has a table of its own
        default = "required" if key in schema.get("required", ()) else _default(setting)
        takes, effect = _takes(setting, definitions), setting["description"].replace("|", "\\|")
        yield f"| `{key}` | {takes} | {default} | {effect} |"


def _is_table(setting: dict[str, Any], definitions: dict[str, Any]) -> bool:
    inner = [setting, *setting.get("anyOf", ()), setting.get("items", {})]
    return any(definitions.get(each.get("$ref", "").rpartition("/")[2], {}).get("type") == "object" for each in inner)


def _default(setting: dict[str, Any]) -> str:
    default = setting.get("default")
    if default is None:
        return "`{}`" if setting.get("type") == "object" else "absent"
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    return f"`{json.dumps(default)}`"


def _takes(setting: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "anyOf" in setting:
        setting = next(each for each in setting["anyOf"] if each.get("type") != "null")
    if "enum" in setting:
        return ", ".join(f"`{json.dumps(value)}`" for value in setting["enum"])
    kind = setting.get("type")
    if kind == "array":
        return f"array of {_takes(setting['items'], definitions)}s"
    if kind == "object":
        return "table"
    if kind == "boolean":
        return "`true`, `false`"
    name = {"string": "text", "integer": "whole number", "number": "number"}[str(kind)]
    return name + _bounds(setting)


def _bounds(setting: dict[str, Any]) -> str:
    low, above, high = (setting.get(name) for name in ("minimum", "exclusiveMinimum", "maximum"))
    least = f"above {above:g}" if above is not None else f"from {low:,.0f}" if low is not None else ""
    most = f"to {high:,.0f}" if high is not None else ""
    told = " ".join(part for part in (least, most) if part)
    return f", {told}" if told else ""


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
