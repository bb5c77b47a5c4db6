"""Fields of a form as pages of this host send it: urlencoded; no file is ever written for who is not known."""

from typing import Final

from aiohttp import web

from nexus.spec.errors import Problem

_TYPE: Final = "application/x-www-form-urlencoded"


async def form_values(request: web.Request, name: str) -> list[str]:
    """Gives the values of a field; none where the body is no such form.

    Raises:
        Problem: 400, the form is malformed.
    """
    if request.content_type != _TYPE:
        return []
    try:
        fields = await request.post()
    except (ValueError, LookupError):  # bytes that are no text of their charset, or a charset that nobody knows
        raise Problem(400, "the form is malformed: send it again as the page offers it") from None
    return [value for value in fields.getall(name, []) if isinstance(value, str)]
