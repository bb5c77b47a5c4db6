"""A row of equal bars that a module fills: one state after another, such as the results of a day."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from nexus.ui.pictures.strip import HEIGHT, STEP, Strip, StripBar

_MOST: Final = 200
"""Bars of one picture."""


def marks(items: Iterable[Mapping[str, Any] | str]) -> Strip:
    """Gives the picture of some states, oldest first.

    Args:
        items: each a state such as `up`, or a mapping with `state`, and with `told` for the words of its bar.
    """
    pairs = [
        (item, item) if isinstance(item, str) else (str(item["state"]), str(item.get("told") or item["state"]))
        for item in items
    ][-_MOST:]
    bars = tuple(
        StripBar(str(number), state, told, number * STEP, 2.0, HEIGHT - 4.0)
        for number, (state, told) in enumerate(pairs)
    )
    counts = Counter(state for state, _told in pairs)
    told = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in counts.most_common()) or "nothing yet"
    return Strip(bars, max(len(bars), 1) * STEP, HEIGHT, f"{told}.")
