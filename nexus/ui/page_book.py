"""The handlers of all pages by method and path, as the files in `pages/` write them down."""

from nexus.ui.viewer import Gate, Page


class PageBook:
    """Collects pages and actions.

    Args:
        gate: lets signed-in people through.

    Attributes:
        gate: as given.
        handlers: by method and path below `/ui`.
    """

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.handlers: dict[tuple[str, str], Page] = {}

    def page(self, path: str, page: Page) -> None:
        """Adds a page at `path` that every viewer may read."""
        self.handlers["GET", path] = page

    def action(self, path: str, action: Page) -> None:
        """Adds what a form of a page sends; for the role admin."""
        self.handlers["POST", path] = action
