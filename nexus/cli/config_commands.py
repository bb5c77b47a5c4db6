"""`nexus config show` and `nexus config schema`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nexus.cli.console import emit, emit_json, plain, say
from nexus.cli.options import as_json, configured

if TYPE_CHECKING:
    from nexus.cli.offline import Outlook
    from nexus.config.effective import SettingView


@click.group()
def config() -> None:
    """Show the settings in effect, or their JSON Schema."""


@config.command(short_help="Show the settings in effect, secrets masked.")
@configured
@click.option("--origin", is_flag=True, help="Also show where each value comes from.")
@as_json
def show(files: tuple[Path, ...], environment: str | None, origin: bool, json_wanted: bool) -> None:
    """Show the settings in effect, defaults included; secrets are masked."""
    from nexus.cli.offline import look_or_fail

    outlook = look_or_fail(files, environment)
    views = _all_views(outlook)
    for name, module in outlook.modules.items():
        if module.bound is not None and module.bound.errors:
            say(f"the settings of module {name} do not bind and are left out: 'nexus check' tells why")
    scrubber = outlook.prepared.scrubber  # a secret may stand in the clear in another setting
    if json_wanted and origin:
        emit_json(scrubber.scrub_data([_view_json(path, view) for path, view in views]))
    elif json_wanted:
        emit_json(scrubber.scrub_data(_nested(views)))
    else:
        for path, view in views:
            line = f"{path} = {_text(view)}" + (f"  # {_origin(view)}" if origin else "")
            emit(plain(scrubber.scrub(line)))


@config.command(short_help="Write the JSON Schema of the whole file.")
@configured
@click.option("--module", metavar="M", help="Only the settings of one module.")
@click.option("--json", "_json_wanted", is_flag=True, help="As without it: a schema is JSON.")
def schema(files: tuple[Path, ...], environment: str | None, module: str | None, _json_wanted: bool) -> None:
    """Write one JSON Schema (2020-12) of the whole file, all enabled modules included."""
    from nexus.cli.failure import ExitCode, Failed
    from nexus.cli.offline import find_module, look_or_fail
    from nexus.config.schema import document_schema, settings_schema

    outlook = look_or_fail(files, environment)
    if module is not None:
        manifest = find_module(outlook, module).record.manifest
        if manifest is None:
            raise Failed(
                f"the code of module {module!r} is not loaded, so its schema is not known: give it a table and enable"
                " it",
                ExitCode.NOT_FOUND,
            )
        emit_json(settings_schema(manifest.settings))
        return
    known = {name: each.record for name, each in outlook.modules.items() if each.record.manifest}
    models = {name: record.manifest.settings for name, record in known.items() if record.manifest}
    options = {name: {job.type: job.options for job in record.jobs} for name, record in known.items()}
    emit_json(document_schema(models, options))


def _all_views(outlook: "Outlook") -> "list[tuple[str, SettingView]]":
    from nexus.config.effective import views

    prepared = outlook.prepared
    settings, tree = prepared.settings, prepared.loaded.tree
    if settings is None:
        return []
    found = [(f"global.{view.path}", view) for view in views(settings.global_, tree, ("global",))]
    for name, entry in settings.modules.items():
        at = ("modules", name)
        own = entry.model_copy(update={"config": {}})
        found += [(f"modules.{name}.{view.path}", view) for view in views(own, tree, at) if view.path != "config"]
        bound = outlook.modules[name].bound
        found += [(f"modules.{name}.config.{view.path}", view) for view in (bound.views if bound else ())]
    return found


def _text(view: "SettingView") -> str:
    from nexus.config.secret import SECRET_MASK

    if view.secret:
        return SECRET_MASK if view.set else "(not set)"
    return json.dumps(view.value, ensure_ascii=False) if view.value is not None else "(not set)"


def _origin(view: "SettingView") -> str:
    return f"{view.origin}, {view.source}" if view.source else str(view.origin)


def _view_json(path: str, view: "SettingView") -> dict[str, Any]:
    return {
        "path": path,
        "value": view.value,
        "secret": view.secret,
        "set": view.set,
        "source": view.source,
        "origin": str(view.origin),
    }


def _nested(views: "list[tuple[str, SettingView]]") -> dict[str, Any]:
    from dataclasses import replace

    from nexus.config.effective import as_config_json

    return dict(as_config_json([replace(view, path=path) for path, view in views]))
