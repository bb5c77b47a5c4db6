"""What every answer of the introspection API is made of."""

from pydantic import BaseModel, ConfigDict


class ReadModel(BaseModel):
    """A frozen, secret-free picture of a part of the host.

    Its schema is built at the first use, not at import: a host starts before anyone has asked it anything.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)
