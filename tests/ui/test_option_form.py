"""A form has a control for each kind of option, and gives back what was changed, in its own type."""

from typing import Literal

import pytest
from pydantic import BaseModel, Field

import nexus
from nexus.ui.views.option_form import PREFIX, option_fields, read_fields, with_mistakes
from tests.jobs.shop import Shop


class Inner(BaseModel):
    depth: int = 1


class Options(BaseModel):
    text: str = "a"
    count: int = Field(3, ge=1, le=9)
    share: float = 0.5
    flag: bool = True
    mode: Literal["one", "two"] = "one"
    level: Literal[1, 2] | None = None
    maybe: str | None = "there"
    names: list[str] = []
    inner: Inner = Inner()
    secret: nexus.Secret | None = None
    needed: int


def fields(options=None):
    return {field.name: field for field in option_fields(Shop().add("sweep", print, model=Options, options=options))}


def unchanged():
    return {PREFIX + name: field.value for name, field in fields().items() if field.value}


def changed(**sent):
    form = {**unchanged(), **{PREFIX + name: value for name, value in sent.items()}}
    return read_fields(tuple(fields().values()), {name: value for name, value in form.items() if value is not None})


def test_each_kind_of_option_has_its_control():
    kinds = {name: field.kind for name, field in fields().items()}
    assert kinds == {
        "text": "text",
        "count": "number",
        "share": "number",
        "flag": "checkbox",
        "mode": "select",
        "level": "select",
        "maybe": "text",
        "names": "json",
        "inner": "json",
        "secret": "password",
        "needed": "number",
    }
    assert fields()["needed"].required
    assert (fields()["count"].minimum, fields()["count"].maximum, fields()["count"].step) == (1, 9, "1")


def test_what_is_left_as_it_was_is_not_sent():
    assert changed().options == {}


@pytest.mark.parametrize(
    ("sent", "given"),
    [
        ({"text": "b"}, {"text": "b"}),
        ({"text": ""}, {"text": ""}),
        ({"count": "7"}, {"count": 7}),
        ({"count": ""}, {}),
        ({"share": "0.25"}, {"share": 0.25}),
        ({"flag": None}, {"flag": False}),
        ({"mode": "two"}, {"mode": "two"}),
        ({"level": "2"}, {"level": 2}),
        ({"maybe": ""}, {"maybe": None}),
        ({"names": '["x"]'}, {"names": ["x"]}),
        ({"secret": "s3cret"}, {"secret": "s3cret"}),
        ({"needed": "many"}, {"needed": "many"}),
    ],
)
def test_what_is_changed_comes_back_in_its_type(sent, given):
    assert changed(**sent).options == given


def test_what_is_no_json_is_told_at_its_field():
    reading = changed(names="[1")
    assert reading.has_mistakes
    assert [field.name for field in reading.fields if field.mistake] == ["names"]


def test_a_secret_is_never_shown_again():
    sent = changed(secret="s3cret-value", count="900")
    assert all("s3cret" not in field.value for field in sent.fields)
    configured = fields(Options(secret="s3cret-value", needed=1, text="mine"))
    assert configured["secret"].value == ""
    assert configured["text"].value == "mine"
    assert not configured["needed"].required


def test_mistakes_stand_at_their_fields_and_others_are_told_on_their_own():
    shown, others = with_mistakes(tuple(fields().values()), [("count", "too much"), ("inner.depth", "x"), ("", "y")])
    assert {field.name: field.mistake for field in shown if field.mistake} == {"count": "too much", "inner": "x"}
    assert others == ("y",)
