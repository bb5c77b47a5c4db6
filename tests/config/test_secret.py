import copy
import json
import logging
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import to_json

from nexus.config.secret import SECRET_MASK, Secret

CANARY = "canary-4711-value"


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True)

    key: Secret
    maybe: Secret | None = None
    many: tuple[Secret, ...] = ()
    mapped: dict[str, Secret] = {}
    either: Secret | int = 0


FULL = Settings.model_validate(
    {"key": CANARY, "maybe": CANARY, "many": [CANARY, CANARY], "mapped": {"x": CANARY}, "either": CANARY}
)


@given(st.text(st.characters(), min_size=8))
def test_no_way_but_reveal_gives_the_value(value: str):
    secret = Secret(value)
    model = Settings(key=secret, many=(secret,))

    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>40}",
        f"{secret:>20}",
        f"{secret}",
        "%s %r" % (secret, secret),  # noqa: UP031
        format(secret, "<3"),
        ascii(secret),
        repr([secret]),
        repr(model),
        str(model),
        repr(model.model_dump()),
        repr(model.model_dump(mode="json")),
        model.model_dump_json(),
        repr(copy.copy(secret)),
        repr(copy.deepcopy(model)),
        repr(model.model_copy(deep=True)),
    ]

    assert secret.reveal() == value
    assert not [text for text in shown if value in text and value not in repr(Settings(key=Secret("?"), many=()))]


@pytest.mark.parametrize(
    "show",
    [
        lambda model: json.dumps(model.model_dump(mode="json")),
        lambda model: model.model_dump_json(),
        lambda model: to_json(model).decode(),
        lambda model: TypeAdapter(Settings).dump_json(model).decode(),
        lambda model: TypeAdapter(Any).dump_json(model).decode(),
        lambda model: json.dumps(model.model_dump(), default=str),
        lambda model: json.dumps(model.model_dump(), default=repr),
    ],
)
def test_json_shows_the_mask(show: Any):
    text = show(FULL)

    assert CANARY not in text
    assert text.count(SECRET_MASK) == 6


def test_plain_json_refuses_it():
    with pytest.raises(TypeError) as caught:
        json.dumps({"key": FULL.key})

    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_does_not_carry_it(protocol: int):
    for holder in (Secret(CANARY), [Secret(CANARY)], FULL):
        with pytest.raises(TypeError, match=r"^a Secret cannot be pickled: send what names it"):
            pickle.dumps(holder, protocol)


def test_a_logged_model_shows_the_mask(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)

    logging.getLogger("x").info("settings %s %r", FULL, FULL.key, extra={"settings": FULL, "key": FULL.key})

    record = caplog.records[0]
    assert SECRET_MASK in caplog.text
    assert CANARY not in caplog.text + repr(vars(record))


@pytest.mark.parametrize("wrong", [[CANARY], {"x": CANARY}, CANARY.encode(), 4711_4711_4711, object()])
def test_no_error_of_pydantic_shows_a_wrong_value(wrong: object):
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"key": wrong, "maybe": wrong, "many": [wrong], "mapped": {"x": wrong}})

    shown = f"{caught.value}{caught.value!r}{caught.value.errors()}{caught.value.json()}"
    assert "canary" not in shown
    assert "471147114711" not in shown
    assert "is not a text: give a string, or a reference such as { env =" in shown


def test_there_is_no_dictionary_to_find_it_in():
    assert not hasattr(Secret(CANARY), "__dict__")
    with pytest.raises(AttributeError):
        _ = Secret(CANARY).value  # type: ignore[attr-defined]


def test_equal_secrets_are_equal_and_nothing_else_is():
    assert Secret(CANARY) == Secret(CANARY)
    assert Secret(CANARY) != Secret("other")
    assert Secret(CANARY) != CANARY
    assert Secret("\udcff") == Secret("\udcff")
    assert Settings(key=Secret("a")) == Settings(key=Secret("a"))


def test_it_cannot_be_hashed():
    with pytest.raises(TypeError):
        hash(Secret(CANARY))


def test_an_empty_one_is_false():
    assert not Secret("")
    assert Secret("x")


def test_a_schema_calls_it_a_password_to_write_only():
    properties = Settings.model_json_schema()["properties"]

    assert {key: properties["key"][key] for key in ("type", "format", "writeOnly")} == {
        "type": "string",
        "format": "password",
        "writeOnly": True,
    }
