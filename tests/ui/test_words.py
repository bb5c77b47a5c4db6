"""How pages write durations, instants and counts, and how they read a README."""

from datetime import UTC, datetime, timedelta

import pytest

from nexus.ui import words
from nexus.ui.views.readme import parse_readme

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 ms"),
        (0.0004, "0.4 ms"),
        (0.34, "340 ms"),
        (1, "1 s"),
        (4.2, "4.2 s"),
        (59, "59 s"),
        (59.9, "1 min"),
        (185, "3 min 5 s"),
        (3600, "1 h"),
        (187_200, "2 d 4 h"),
        (None, words.DASH),
    ],
)
def test_durations_have_at_most_two_units(seconds, told):
    assert words.duration(seconds) == told


@pytest.mark.parametrize(
    ("away", "told"),
    [(1, "just now"), (30, "30 seconds ago"), (60, "1 minute ago"), (7200, "2 hours ago"), (-90, "in 1 minute")],
)
def test_instants_are_told_as_in_talk(away, told):
    assert words.relative(NOW - timedelta(seconds=away), NOW) == told


def test_instants_name_their_zone():
    assert words.exact(NOW) == "1 Mar 2026, 12:00:00 UTC"
    assert words.in_zone(NOW, "Europe/Berlin") == "Sun 1 Mar, 13:00 CET"
    assert words.in_zone(NOW, "No/Where") == "Sun 1 Mar, 12:00 UTC"


def test_a_readme_becomes_blocks_without_markup():
    blocks = parse_readme(
        "# Title\n\nSome `code` and [a link](https://example.org/x), [not one](javascript:alert(1)).\n\n- one\n- two\n"
        "\n```toml\n<b>\n```\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    )
    assert [block.kind for block in blocks] == ["heading", "paragraph", "list", "code", "table"]
    links = [span.link for block in blocks for line in block.lines for span in line if span.link]
    assert links == ["https://example.org/x"]


@pytest.mark.parametrize("text", ["```", "#", "- ", "|", "`" * 5000, "[" * 5000, "**" * 5000, "\n" * 100])
def test_a_readme_that_is_odd_is_read_all_the_same(text):
    parse_readme(text)
