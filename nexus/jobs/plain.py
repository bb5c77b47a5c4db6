"""Values as JSON has them: what options, steps and results are kept as."""

from typing import Any

from pydantic_core import to_jsonable_python


def plain(value: object) -> Any:
    """Gives a value as JSON has it; what is no number there (NaN, infinity: RFC 8259, section 6) is null.

    Raises:
        TypeError: it has no JSON form.
    """
    try:
        return to_jsonable_python(value, inf_nan_mode="null")
    except ValueError as error:
        raise TypeError(
            f"a value of type {type(value).__name__!r} has no JSON form: give numbers, texts, lists, mappings, "
            "dataclasses or pydantic models"
        ) from error
