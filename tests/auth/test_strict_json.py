"""The one JSON reader: it reads what everybody reads alike, and nothing else."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.auth.strict_json import MalformedJson, parse, parse_object

TEXTS = st.text(st.characters(codec="utf-8"))
NUMBERS = st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def depth(value):
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(VALUES, st.booleans())
def test_what_is_written_is_read(value, escaped):
    text = json.dumps(value, ensure_ascii=escaped).encode()
    if depth(value) <= 16:
        assert parse(text, max_bytes=len(text)) == value


@given(st.integers(1, 60), st.integers(1, 20), st.text(alphabet='[]{}"\\a:,', max_size=20))
def test_depth_is_bounded_wherever_it_is(levels, allowed, noise):
    text = ("[" * levels + json.dumps(noise) + "]" * levels).encode()
    if levels <= allowed:
        assert parse(text, max_bytes=1000, max_depth=allowed) is not None
    else:
        with pytest.raises(MalformedJson, match="deeper"):
            parse(text, max_bytes=1000, max_depth=allowed)


@given(st.binary(max_size=200) | st.text(alphabet='[]{}":,\\u0dN aI-1e', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(data):
    try:
        value = parse(data, max_bytes=200)
    except MalformedJson:
        return
    assert json.loads(data) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"\xff{}", "not UTF-8"),
        (b'{"a":1,"a":1}', "twice"),
        (b'{"b":{"a":1,"\\u0061":2}}', "twice"),
        (b"[NaN]", "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b"[1e999]", "too large"),
        (b"[" + b"1" * 21 + b"]", "too large"),
        (b'["\\ud800"]', "surrogate"),
        (b'["\\ud800\\ud800"]', "surrogate"),
        (b"[" * 5000, "deeper"),
        (b"{" * 5000, "deeper"),
        (b"[]]", "not JSON"),
        (b'["\x01"]', "not JSON"),
        (b"", "not JSON"),
    ],
)
def test_what_two_readers_could_understand_differently_is_refused(text, why):
    with pytest.raises(MalformedJson, match=why):
        parse(text, max_bytes=10_000)


def test_size_is_counted_before_anything_else():
    with pytest.raises(MalformedJson, match="longer than 10 bytes"):
        parse(b"[" * 11, max_bytes=10)


@pytest.mark.parametrize("text", [b"[]", b"1", b"null", b'"{}"'])
def test_an_object_is_an_object(text):
    with pytest.raises(MalformedJson, match="not an object"):
        parse_object(text, max_bytes=10)


def test_quotes_and_brackets_do_not_cost_quadratic_time():
    for text in (
        b'["' + b"\\" * 200_000,
        b'"' + b"[" * 200_000,
        b'["",' * 50_000,
        b"\\" * 200_000 + b"[" * 20,
        b"[" * 16 + b'"' + b'\\"' * 100_000 + b"[",
        b'["' + b'\\"' * 100_000 + b"[" * 20 + b"\\",
    ):
        started = time.process_time()
        with pytest.raises(MalformedJson):
            parse(text, max_bytes=1_000_000)
        assert time.process_time() - started < 1.0
