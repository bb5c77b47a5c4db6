"""The names under which modules from folders are imported; never as top-level packages of their own."""

from typing import Final

ROOT: Final = "nexus_modules"
"""The package that every module from a folder is imported below."""


def import_name(name: str) -> str:
    """Gives the Python name of the module `name`: a hyphen cannot stand in an import statement, so it becomes `_`."""
    return f"{ROOT}.{name.replace('-', '_')}"


def is_within(name: str, package: str) -> bool:
    """True where the Python name `name` is `package` or lies below it."""
    return name == package or name.startswith(f"{package}.")
