import base64
import html
import json
import logging
import time
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from yarl import URL

from nexus.config.scrubber import Scrubber, ScrubbingFilter

secrets = st.text(st.characters(exclude_characters="*", exclude_categories=["Cs"]), min_size=6, max_size=40)
around = st.text(max_size=30)


def knowing(*values: str) -> Scrubber:
    scrubber = Scrubber()
    for value in values:
        scrubber.register(value)
    return scrubber


@given(secrets, around, around)
@example("\\\\\\\\\\\\", "\\", "\\")
@example('a"b\\c\n', "", "\\")
@example("%25%25", "%", "25")
@example("......", "", "")
def test_no_form_of_any_secret_is_left_in_any_text(secret: str, before: str, after: str):
    scrubber = knowing(secret)
    encodings = {
        "plain": lambda text: text,
        "quote": quote,
        "quote all": lambda text: quote(text, safe=""),
        "quote_plus": quote_plus,
        "quote twice": lambda text: quote(quote(text, safe=""), safe=""),
        "yarl query": lambda text: str(URL.build(query={"q": text}))[3:],
        "yarl path": lambda text: str(URL.build(path="/" + text))[1:],
        "urlencode": lambda text: urlencode({"k": text}),
        "json": json.dumps,
        "json unicode": lambda text: json.dumps(text, ensure_ascii=False),
        "json in json": lambda text: json.dumps(json.dumps(text)),
        "repr": repr,
        "ascii": ascii,
        "html": html.escape,
    }  # fmt: skip
    for name, encode in encodings.items():
        if name == "yarl path" and (".." in before + secret + after or "/." in "/" + before + secret + after):
            continue  # a path is normalised: its dots are taken out
        secret_form = encode(secret)[1:-1] if name in ("json", "json unicode", "repr", "ascii") else encode(secret)
        scrubbed = scrubber.scrub(encode(before + secret + after))
        assume(secret_form not in encode(before) + encode(after))
        assert "******" in scrubbed, name
        assert secret_form not in scrubbed, name


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=6), st.binary(max_size=7), st.binary(max_size=7))
def test_no_part_of_a_base64_text_holds_a_secret(secret: str, before: bytes, after: bytes):
    scrubber = knowing(secret)
    raw = before + secret.encode() + after

    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        scrubbed = scrubber.scrub(encode(raw).decode())

        rest = scrubbed.split("******")
        assert len(rest) >= 2
        assert len(rest[0]) <= 4 * (len(before) // 3) + 4
        # What is left of the secret at the edges is less than two bytes on either side.
        assert sum(map(len, rest)) <= 4 * ((len(before) + len(after)) // 3) + 12


def test_percent_encoding_in_lower_case_is_known():
    assert knowing("pass/word?").scrub("x=pass%2fword%3f&y") == "x=******&y"


def test_basic_credentials_are_masked():
    header = base64.b64encode(b"user:correct horse battery").decode()

    assert "******" in knowing("correct horse battery").scrub(f"Authorization: Basic {header}")
    assert header[8:-4] not in knowing("correct horse battery").scrub(header)


@given(st.lists(secrets, min_size=1, max_size=6), st.data())
def test_of_many_secrets_none_is_left(values: list[str], data: st.DataObject):
    scrubber = knowing(*values)
    text = " ".join(data.draw(st.permutations(values)))

    scrubbed = scrubber.scrub(text)

    assert not [value for value in values if value in scrubbed]


def test_a_longer_secret_is_masked_whole_where_it_begins_with_a_shorter_one():
    assert knowing("secret", "secret-and-more").scrub("x secret-and-more secret") == "x ****** ******"


@given(around)
def test_a_text_without_secrets_stays_as_it_is(text: str):
    assert Scrubber().scrub(text) == text
    assert knowing("a-secret-that-no-text-holds").scrub(text) == text


def test_every_long_line_of_a_key_is_masked():
    lines = ("MIIEvQIBADANBgkqhkiG9w0B", "short", "AQEFAASCBKcwggSjAgEAAoIB")
    key = "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""])
    scrubber = knowing(key)

    assert scrubber.scrub(key) == "******"
    assert scrubber.scrub("line AQEFAASCBKcwggSjAgEAAoIB end") == "line ****** end"
    assert scrubber.scrub("-----BEGIN PRIVATE KEY-----") == "-----BEGIN PRIVATE KEY-----"


def test_a_value_of_five_characters_is_not_registered():
    scrubber = Scrubber()

    assert (scrubber.register("12345"), scrubber.register("123456")) == (False, True)
    assert scrubber.scrub("12345 123456") == "12345 ******"


def test_data_keeps_its_shape():
    scrubber = knowing("canary-value", "123456789")
    data = {
        "canary-value": ["x canary-value", 123456789, 1.5, None, True, ("canary-value",)],
        "deep": {"n": 99123456789},
    }

    assert scrubber.scrub_data(data) == {
        "******": ["x ******", "******", 1.5, None, True, ["******"]],
        "deep": {"n": "99******"},
    }


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("\\" * 30 + "x", "\\" * 20_000),
        ('\\"' * 15 + "x", '\\"' * 10_000),
        ("%" * 30 + "x", "%25" * 7_000),
        (" " * 30 + "x", "+" * 20_000),
        ("\n" * 30 + "x", "\\n" * 10_000),
        ("&" * 30 + "x", "&amp;" * 4_000),
    ],
    ids=["backslashes", "quotes", "percents", "spaces", "lines", "entities"],
)
def test_no_text_makes_the_search_slow(secret: str, text: str):
    scrubber = knowing(secret)
    scrubber.scrub("")
    started = time.process_time()

    scrubber.scrub(text)

    assert time.process_time() - started < 1


class Unshowable:
    def __str__(self) -> str:
        raise RuntimeError("canary-value")

    __repr__ = __str__


class Holder:
    def __str__(self) -> str:
        return "holds canary-value"


def logged(scrubber: Scrubber, **fields: object) -> logging.LogRecord:
    record = logging.makeLogRecord({"levelno": 20, "levelname": "INFO", "name": "x", **fields})
    assert ScrubbingFilter(scrubber).filter(record) is True
    return record


def test_a_record_is_scrubbed_in_every_part():
    try:
        try:
            raise ValueError("canary-value")
        except ValueError as error:
            raise RuntimeError("outer canary-value") from error
    except RuntimeError as error:
        record = logged(
            knowing("canary-value"),
            msg="got %s and %r",
            args=(Holder(), "canary-value"),
            exc_info=(type(error), error, error.__traceback__),
            stack_info="Stack canary-value",
            field="canary-value",
            nested={"list": ["canary-value", {"set": {"canary-value"}, "holder": Holder()}]},
            holder=Holder(),
            number=7,
        )

    text = logging.Formatter("%(message)s %(field)s %(nested)s %(holder)s %(number)d").format(record)

    assert "canary-value" not in text + repr(vars(record))
    assert "RuntimeError: outer ******" in text
    assert "ValueError: ******" in text
    assert record.number == 7  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "fields",
    [
        {"msg": "%d", "args": ("canary-value",)},
        {"msg": "%s", "args": (Unshowable(),)},
        {"msg": Unshowable(), "args": ()},
        {"msg": "x", "field": Unshowable()},
        {"msg": "canary-value %s %s", "args": (1,)},
    ],
)
def test_what_cannot_be_formatted_troubles_nobody(fields: dict[str, object]):
    record = logged(knowing("canary-value"), **fields)

    assert "canary-value" not in record.getMessage() + str(vars(record))


def test_data_that_holds_itself_troubles_nobody():
    data: list[object] = []
    data.append(data)

    assert "cannot be shown" in logged(knowing("canary-value"), msg="x", field=data).field  # type: ignore[attr-defined]


def test_later_secrets_are_known_too():
    scrubber = knowing("first-value")
    scrubber.scrub("x")

    scrubber.register("second-value")

    assert scrubber.scrub("first-value second-value") == "****** ******"


@pytest.mark.parametrize("surrogate", [0xDCFF, 0xD800])
def test_a_value_that_is_no_text_for_any_encoding_is_masked(surrogate: int):
    value = f"se{chr(surrogate)}cret-value"

    assert knowing(value).scrub(f"x {value} and on ...") == "x ****** and on ..."
