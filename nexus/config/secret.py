"""A value that no page, log line, error or dump shows."""

import hmac
from typing import Any, Final, NoReturn, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

SECRET_MASK: Final = "******"  # noqa: S105 - what stands in place of a secret


class Secret:
    """A secret text; `reveal()` alone gives it, every other way shows `******`.

    Comparing two is done in constant time. It cannot be pickled: a pickle would carry the value to wherever it is sent.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """Gives the value itself, for the one call that needs it."""
        return self.__value

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        # The environment may give lone surrogates (PEP 383), which plain UTF-8 has no bytes for.
        mine, theirs = (each.reveal().encode("utf-8", "surrogatepass") for each in (self, other))
        return hmac.compare_digest(mine, theirs)

    # A hash would tell equal secrets apart from others wherever hashes are shown, and nobody needs one.
    __hash__ = None  # type: ignore[assignment]  # the documented way to be unhashable

    def __repr__(self) -> str:
        return f"Secret('{SECRET_MASK}')"

    def __str__(self) -> str:
        return SECRET_MASK

    def __format__(self, spec: str) -> str:
        return format(SECRET_MASK, spec)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __getstate__(self) -> NoReturn:
        # Since Python 3.11 every object has one, and it would hand out the slots to any serialiser that asks.
        raise TypeError("a Secret has no state to give: send what names it, and read it where it is needed")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled: send what names it, and read it where it is needed")

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: type[object], _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _parse,
            serialization=core_schema.plain_serializer_function_ser_schema(str, return_schema=core_schema.str_schema()),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "format": "password", "writeOnly": True}


def _parse(value: Any) -> Secret:
    if isinstance(value, Secret):
        return value
    if isinstance(value, str):
        return Secret(value)
    wanted = PydanticCustomError("secret_type", 'is not a text: give a string, or a reference such as { env = "NAME" }')
    # Raised here, the error would carry the value, and whoever prints the error would show it.
    raise ValidationError.from_exception_data(
        "Secret", [InitErrorDetails(type=wanted, input=SECRET_MASK)], hide_input=True
    )
