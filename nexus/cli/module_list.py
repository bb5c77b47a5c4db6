"""`nexus modules` and `nexus modules show M`: of the running host, or of what the configuration would load."""

import json
from typing import Any

import click

from nexus.cli.console import emit, emit_json, emit_table, painted, plain
from nexus.cli.options import Target, as_json, offline, remote


@click.group(invoke_without_command=True)
@remote
@offline
@as_json
@click.pass_context
def modules(context: click.Context, /, target: Target, offline: bool, json_wanted: bool) -> None:
    """List all modules, also those that do not run, with the reason why."""
    if context.invoked_subcommand is not None:
        context.obj = (target, offline, json_wanted)
        return
    found = _every(target, offline=offline)
    if json_wanted:
        emit_json(found)
    else:
        emit_module_table([_expected(each) for each in found] if offline else found)


@modules.command(short_help="Show one module in full.")
@click.argument("module")
@remote
@offline
@as_json
@click.pass_obj
def show(above: tuple[Target, bool, bool], /, module: str, target: Target, offline: bool, json_wanted: bool) -> None:
    """Show one module: where it stands, its routes, jobs, checks and settings."""
    offline = offline or above[1]
    found = _one(module, target.or_else(above[0]), offline=offline)
    if json_wanted or above[2]:
        emit_json(found)
    else:
        _emit_module(_expected(found) if offline else found)


def emit_module_table(found: list[dict[str, Any]]) -> None:
    """Writes name, version, state and reason of each module."""
    rows = [
        (each["name"], each["version"] or "", each["state"], (each["reason"] or {}).get("message", ""))
        for each in found
    ]
    emit_table(("MODULE", "VERSION", "STATE", "REASON"), rows)


def _expected(module: dict[str, Any]) -> dict[str, Any]:
    """Offline nothing starts; the word for a reader says what would."""
    return module | {"state": "would start"} if module["state"] == "starting" else module


def _every(target: Target, *, offline: bool) -> list[dict[str, Any]]:
    if offline:
        from nexus.cli.offline import look_or_fail, module_json

        return [module_json(each) for each in look_or_fail(target.files, target.environment).modules.values()]
    from nexus.cli.remote import HostClient

    return list(HostClient(target).get("/api/modules"))


def _one(name: str, target: Target, *, offline: bool) -> dict[str, Any]:
    if offline:
        from nexus.cli.offline import find_module, look_or_fail, module_json

        return module_json(find_module(look_or_fail(target.files, target.environment), name))
    from urllib.parse import quote

    from nexus.cli.remote import HostClient

    missing = f"there is no module {name!r}: 'nexus modules' lists them all"
    return dict(HostClient(target).get(f"/api/modules/{quote(name, safe='')}", missing=missing))


def _emit_module(found: dict[str, Any]) -> None:
    emit(f"{plain(found['name'])} {plain(found['version'])}  {painted(found['state'])}")
    if found["description"]:
        emit(plain(found["description"]))
    if found["reason"]:
        emit(f"reason    {plain(found['reason']['message'])}")
    if found.get("last_reload"):
        emit(f"reload    was refused, it goes on as it was: {plain(found['last_reload']['message'])}")
    emit(f"source    {plain(found['source'])}")
    for label in ("requires", "after"):
        if found.get(label):
            emit(f"{label:<9} {plain(', '.join(found[label]))}")
    for route in found["routes"]:
        emit(f"route     {plain(' '.join(route['methods']))} {plain(route['path'])}  {plain(_access(route))}")
    for job in found["jobs"]:
        emit(f"job       {plain(job['type'])}  {plain(job['summary'])}")
    for check in (found.get("health") or {}).get("checks", ()):
        emit(f"check     {plain(check['name'])}  {painted(plain(check['status']))}  {plain(check['output'])}".rstrip())
    for path, value in _leaves(found["config"]):
        emit(f"setting   {plain(path)} = {plain(value)}")


def _access(route: dict[str, Any]) -> str:
    return f"{route['access']} {' '.join(route['permissions'])}".strip()


def _leaves(config: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(config, dict) and config.get("secret") is True:
        return [(path, "******" if config.get("set") else "(not set)")]
    if isinstance(config, dict) and config:
        return [leaf for key, value in config.items() for leaf in _leaves(value, f"{path}.{key}".removeprefix("."))]
    return [(path, json.dumps(config, ensure_ascii=False))] if path else []
