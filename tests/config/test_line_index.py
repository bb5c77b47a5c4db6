"""The line of every key, checked by writing texts of which the lines are known."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.config.line_index import line_index
from nexus.config.origin import Path

DECOYS = ("[x]", "[[y]]", "a = 1", "'", '"', "# no comment", "}", "]", ",", "\\\\", "é", "= 3", "", "x.y = {")


@dataclass
class Text:
    """A TOML text being written, with the line of each place in it."""

    lines: list[str] = field(default_factory=lambda: [""])
    known: dict[Path, int] = field(default_factory=dict)

    def add(self, text: str) -> None:
        first, *rest = text.split("\n")
        self.lines[-1] += first
        self.lines.extend(rest)

    def mark(self, path: Path) -> None:
        self.known[path] = len(self.lines)


bare = st.text("abcxyzAZ019-_", min_size=1, max_size=4)
quoted = st.text(st.sampled_from("a.[]\"'#= \\é\t"), max_size=4)
decoys = st.lists(st.sampled_from(DECOYS), max_size=4)


@st.composite
def keys(draw: st.DrawFn) -> tuple[str, str]:
    """A key, and how it is written."""
    if draw(st.booleans()):
        key = draw(bare)
        return key, key
    key = draw(quoted)
    if "'" not in key and draw(st.booleans()):
        return key, f"'{key}'"
    escaped = key.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("é", "\\u00e9")
    return key, f'"{escaped}"'


@st.composite
def scalars(draw: st.DrawFn) -> str:
    content = draw(decoys)
    kind = draw(st.sampled_from(["number", "date", "basic", "literal", "long basic", "long literal"]))
    if kind == "basic":
        return '"' + " ".join(content).replace("\\", "\\\\").replace('"', '\\"') + '"'
    if kind == "literal":
        return "'" + " ".join(content).replace("'", "") + "'"
    if kind == "long basic":
        end = draw(st.sampled_from(['"""', '""""', '"""""', '\\""""', '\\\n  """']))
        return '"""' + "\n".join(content).replace('"', '""x') + "." + end
    if kind == "long literal":
        return "'''" + "\n".join(content).replace("'", "''x") + draw(st.sampled_from([".'''", ".''''", ".'''''"]))
    return "1979-05-27T07:32:00Z" if kind == "date" else draw(st.sampled_from(["1", "-0.5e3", "true", "inf", "0xff"]))


def blanks(draw: st.DrawFn) -> str:
    return draw(st.sampled_from(["", " ", "\n", "\n\n # [c], = 'x\n", "\t"]))


def write_value(draw: st.DrawFn, text: Text, path: Path, depth: int) -> None:
    kind = draw(st.sampled_from(["scalar", "scalar", "array", "table"])) if depth else "scalar"
    if kind == "scalar":
        text.add(draw(scalars()))
    elif kind == "array":
        text.add("[")
        for index in range(draw(st.integers(0, 3))):
            text.add(blanks(draw))
            text.mark((*path, index))
            write_value(draw, text, (*path, index), depth - 1)
            text.add(blanks(draw) + ",")
        text.add(blanks(draw) + "]")
    else:
        text.add("{")
        taken: set[str] = set()
        for _ in range(draw(st.integers(0, 3))):
            key, written = draw(keys())
            if key in taken:
                continue
            text.add(", " if taken else " ")
            taken.add(key)
            text.mark((*path, key))
            text.add(f"{written} = ")
            write_value(draw, text, (*path, key), depth - 1)
        text.add(" }")


def write_pairs(draw: st.DrawFn, text: Text, table: Path) -> None:
    taken: set[str] = set()
    for _ in range(draw(st.integers(0, 3))):
        written_keys = draw(st.lists(keys(), min_size=1, max_size=3))
        if written_keys[0][0] in taken:
            continue
        taken.add(written_keys[0][0])
        path = table
        for key, _ in written_keys:
            path = (*path, key)
            text.mark(path)
        separator = draw(st.sampled_from([".", " . "]))
        text.add(f"  {separator.join(written for _, written in written_keys)} = ")
        write_value(draw, text, path, 3)
        text.add(draw(st.sampled_from(["\n", " # x = [1\n", "\n\n"])))


@st.composite
def texts(draw: st.DrawFn) -> Text:
    text = Text()
    write_pairs(draw, text, ())
    counts: dict[str, int] = {}
    for number in range(draw(st.integers(0, 4))):
        if draw(st.booleans()):
            name = draw(st.sampled_from(["jobs0", "jobs1"]))
            counts[name] = counts.get(name, -1) + 1
            table: Path = (name, counts[name])
            text.mark(table)
            text.known.setdefault((name,), len(text.lines))
            text.add(f"[[{name}]]\n")
            write_pairs(draw, text, table)
            table = (*table, "sub table")
            text.mark(table)
            text.add(f"[ {name} . 'sub table' ] # [[x]]\n")
        else:
            table = (f"table{number}", "inner")
            text.known.setdefault(table[:1], len(text.lines))
            text.mark(table)
            text.add(f"[table{number}.inner]\n")
        write_pairs(draw, text, table)
    return text


def places(value: object, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in children:
        yield from places(inner, (*path, key))


@given(texts())
def test_every_place_of_any_text_has_its_line(written: Text):
    text = "\n".join(written.lines)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # a key that was drawn twice

    index = line_index(text)

    assert set(places(data)) <= index.keys()
    assert {path: index.get(path) for path in written.known} == written.known


@given(st.text(st.sampled_from("ab.=[]{}'\"\\#,\n 1"), max_size=40))
def test_the_scan_of_any_valid_text_ends_with_all_its_places(text: str):
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return

    assert set(places(data)) <= line_index(text).keys()


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("a = 1\n[b]\nc = 2", ("b", "c"), 3),
        ('a = """\n[x]\ny = 1\n"""\n[x]\ny = 2', ("x", "y"), 6),
        ("a = '''\n[x]\n'''\n[x]\ny = 2", ("x",), 4),
        ("[[a]]\nb=1\n[[a]]\nb=2", ("a", 1, "b"), 4),
        ("[[a]]\n[[a.b]]\nc=1\n[[a]]\n[[a.b]]\n[[a.b]]\nc=2", ("a", 1, "b", 1, "c"), 7),
        ("a.b.c = 1\na.b.d = 2", ("a", "b", "d"), 2),
        ("a = {b = 1, c = {d = 2}}", ("a", "c", "d"), 1),
        ("a = [\n  1, # ]\n\n  [2,\n   3]]", ("a", 1, 1), 5),
        ("[a.b]\n[a]\nc = 1", ("a",), 2),
        ("\r\n[a]\r\nb = 1\r\n", ("a", "b"), 3),
        ("\"a b\".'c.d' = 1", ("a b", "c.d"), 1),
        ('[a."b\\u0041"]\nc=1', ("a", "bA", "c"), 2),
    ],
)
def test_a_line_is_where_an_editor_shows_it(text: str, path: Path, line: int):
    tomllib.loads(text)

    assert line_index(text)[path] == line
