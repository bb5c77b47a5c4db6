"""What is scrubbed stays what it was: JSON stays JSON, of the same shape, and a second time changes nothing."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nexus.config.scrubber import Scrubber
from nexus.config.secret import Secret

TEXTS = st.one_of(st.text(max_size=12), st.text('abnu0\\"\n\té', max_size=12))
SECRETS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters='"*'), min_size=6, max_size=16),
    st.text("abnrtu0\\x\n", min_size=6, max_size=9),
).filter(lambda secret: any(each in "bnxz" for each in secret))
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def knowing(*values: str) -> Scrubber:
    scrubber = Scrubber()
    for value in values:
        assert scrubber.register(value)
    return scrubber


@settings(max_examples=150, deadline=None)
@given(SECRETS, TEXTS, st.booleans())
def test_scrubbing_never_breaks_json(secret: str, text: str, ascii_only: bool):
    """A value may begin like the end of an escape: `nsecret` after a line break, `00e9xx` in `\\u00e9xx`."""
    ways = (text, secret + text, text + secret, f"\n{secret}", f"é{secret}", f"\\{secret}", f'{secret}"', f"{secret}\n")

    shown = knowing(secret, secret[1:] + "nxx").scrub(json.dumps({"key": ways}, ensure_ascii=ascii_only))

    assert len(json.loads(shown)["key"]) == len(ways)


@pytest.mark.parametrize("text", ["\nsecret", "éxx", 'ends-in"', "\\nsecret", "ends-in\\", "ends-in\n", "éyy", "\\éyy"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_value_that_begins_or_ends_within_an_escape_leaves_json_whole(text: str, ascii_only: bool):
    scrubber = knowing("nsecret", "00e9xx", "ends-in\\", "u00e9yy")

    assert len(json.loads(scrubber.scrub(json.dumps([text, text], ensure_ascii=ascii_only)))) == 2


def shape(data: object) -> object:
    if isinstance(data, dict):
        return [shape(each) for each in data.values()]
    return [shape(each) for each in data] if isinstance(data, list) else None


@settings(max_examples=150, deadline=None)
@given(st.lists(SECRETS, min_size=1, max_size=3, unique=True), DATA)
def test_scrubbed_data_keeps_its_shape_and_is_scrubbed_once(secrets: list[str], data: object):
    scrubber = knowing(*secrets)
    data = {"data": data, "list": [secrets, {secret: secret for secret in secrets}]}

    clean = scrubber.scrub_data(data)

    assert shape(clean) == shape(data)
    assert json.loads(json.dumps(clean)) == clean
    assert scrubber.scrub_data(clean) == clean


@settings(max_examples=150, deadline=None)
@example(["000n\\\\", "\\0000n"], "", "")
@given(st.lists(SECRETS, min_size=1, max_size=3), TEXTS, TEXTS)
def test_scrubbing_twice_changes_nothing(secrets: list[str], before: str, after: str):
    scrubber = knowing(*secrets)

    once = scrubber.scrub(before + secrets[0] + after + secrets[-1])

    assert scrubber.scrub(once) == once


def test_two_keys_that_hold_secrets_stay_two_keys():
    clean = knowing("first-secret", "other-secret").scrub_data({"first-secret": 1, "other-secret": 2, ("a", "b"): 3})

    assert isinstance(clean, dict)
    assert sorted(clean.values()) == [1, 2, 3]
    assert "secret" not in repr(clean)


def test_a_secret_gives_no_state_to_serialisers():
    with pytest.raises(TypeError, match="no state"):
        Secret("some-secret").__getstate__()
