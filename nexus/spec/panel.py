"""A part of the dashboard as a module declares it: a template, and the data that it shows."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from nexus.spec.errors import InvalidDeclaration
from nexus.spec.names import check_part_name

if TYPE_CHECKING:
    from nexus.spec.context import ModuleContext

Place = Literal["module", "page"]
"""Where a panel is shown: on the module's page, or on a page of its own that the module's page links to."""

PanelData = Callable[["ModuleContext[Any]"], Awaitable[Mapping[str, Any]]]
"""Gives what the template shows: JSON-like data, instants and models included."""

_MAX_TEMPLATE: Final = 100_000
"""Characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One part of the dashboard.

    Attributes:
        name: unique in the module; of a page, the last part of its address.
        title: its heading.
        template: Jinja text, run in a sandbox; every value is escaped and scrubbed, and nothing can switch that off.
        data: async function of the module's context, called each time that somebody looks, for at most 5 seconds.
        place: where it is shown.
    """

    name: str
    title: str
    template: str
    data: PanelData
    place: Place = "module"

    def __post_init__(self) -> None:
        """Refuses what cannot be shown.

        Raises:
            InvalidDeclaration: the name is not usable, the title is empty, or the template is none.
        """
        check_part_name("panel", self.name)
        if not self.title.strip():
            raise InvalidDeclaration(f"panel {self.name!r} has no title: say what it shows")
        if len(self.template) > _MAX_TEMPLATE:
            raise InvalidDeclaration(
                f"panel {self.name!r} has a template of over {_MAX_TEMPLATE} characters: shorten it"
            )
        if self.place not in ("module", "page"):
            raise InvalidDeclaration(f"panel {self.name!r} has the place {self.place!r}: use 'module' or 'page'")
