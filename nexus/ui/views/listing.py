"""Tables that sort, filter and page on the server; every state of a table is a link."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlencode

from aiohttp import web

T = TypeVar("T")

PER_PAGE: Final = 50

_MAX_TEXT: Final = 200
"""Characters of a filter that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[T]):
    """One page of a table.

    Attributes:
        rows: of this page.
        total: rows of all pages.
        page: counted from 1.
        pages: how many there are, at least 1.
        sort: the column it is sorted by.
        descending: the other way round.
        path: where the table is.
        query: what narrows it, without sort and page.
    """

    rows: Sequence[T]
    total: int
    page: int
    pages: int
    sort: str
    descending: bool
    path: str
    query: Mapping[str, str]

    def sorted_by(self, column: str) -> str:
        """Gives the link that sorts by a column, or turns the order round where it is sorted by it."""
        turned = column == self.sort and not self.descending
        return self._link({"sort": f"-{column}" if turned else column})

    def direction(self, column: str) -> str:
        """Gives `ascending`, `descending` or `none`, as `aria-sort` has it."""
        if column != self.sort:
            return "none"
        return "descending" if self.descending else "ascending"

    def at(self, page: int) -> str:
        """Gives the link to a page."""
        order = f"-{self.sort}" if self.descending else self.sort
        return self._link({"sort": order, "page": str(page)})

    def _link(self, more: Mapping[str, str]) -> str:
        return f"{self.path}?{urlencode({**self.query, **more})}"


def read_text(request: web.Request, name: str) -> str:
    """Gives a filter of the query, cut and stripped; empty where it is absent."""
    return request.query.get(name, "").strip()[:_MAX_TEXT]


def listed(
    rows: Iterable[T],
    request: web.Request,
    *,
    columns: Mapping[str, Callable[[T], Any]],
    default: str,
    filters: Iterable[str] = (),
    per_page: int = PER_PAGE,
) -> Listing[T]:
    """Gives the page of the table that the query asks for; one that does not exist is the nearest that does.

    Args:
        rows: all that are to be shown.
        request: its query has `sort` (a column, `-` before it turns the order round) and `page`.
        columns: what each column sorts by.
        default: as `sort`, where the query has none of these columns.
        filters: names of the query's other parameters, kept in links.
        per_page: rows of a page.
    """
    asked = request.query.get("sort", default)
    if asked.removeprefix("-") not in columns:
        asked = default
    column = asked.removeprefix("-")
    found = sorted(rows, key=columns[column], reverse=asked.startswith("-"))
    pages = max(1, -(-len(found) // per_page))
    page = min(max(_number(request.query.get("page", "1")), 1), pages)
    return Listing(
        rows=found[(page - 1) * per_page : page * per_page],
        total=len(found),
        page=page,
        pages=pages,
        sort=column,
        descending=asked.startswith("-"),
        path=request.rel_url.raw_path,
        query={name: text for name in filters if (text := read_text(request, name))},
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1
