"""Who a module is, as the host learns it before any of its start-up code runs."""

from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

from nexus.spec.errors import InvalidDeclaration
from nexus.spec.names import HOST_API, check_module_name

CURRENT_HOST_API: Final = f">={HOST_API},<{HOST_API + 1}"
"""The range of a module that names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A module's identity and its demands.

    Attributes:
        name: unique in the host; the URL prefix and the table in the configuration.
        version: the module's own, shown by the introspection API.
        description: one line.
        settings: the model that `[modules.<name>.config]` is bound to; None where it takes none.
        requires: modules that must run before it starts.
        after: modules it starts after, where they are there.
        host_api: the versions of the authoring interface it was written for, as in `>=1,<2` (PEP 440).
    """

    name: str
    version: str
    description: str = ""
    settings: type[BaseModel] | None = None
    requires: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()
    host_api: str = CURRENT_HOST_API

    def __post_init__(self) -> None:
        """Refuses what the host could not use.

        Raises:
            InvalidDeclaration: a bad name, a dependency on itself, or a malformed `host_api`.
        """
        check_module_name(self.name)
        for other in self.requires | self.after:
            check_module_name(other)
        if self.name in self.requires | self.after:
            raise InvalidDeclaration(
                f"module {self.name!r} requires itself: take its name out of 'requires' and 'after'"
            )
        accepts_host_api(self.host_api)


def accepts_host_api(specifier: str, version: int = HOST_API) -> bool:
    """True where the authoring interface `version` lies in `specifier`.

    Raises:
        InvalidDeclaration: it is not a version range.
    """
    if specifier == CURRENT_HOST_API and version == HOST_API:
        return True
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - only for a range of its own

    try:
        return SpecifierSet(specifier).contains(str(version))
    except InvalidSpecifier as error:
        raise InvalidDeclaration(
            f"host_api {specifier!r} is not a version range: write for instance '>=1,<2'"
        ) from error
