"""`[global.ui]`: the pages, and how people sign in to them."""

import re
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from nexus.config.secret import Secret

Text = Annotated[str, Field(min_length=1, max_length=2048)]

_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""RFC 6749, section 3.3."""


class UiSettings(BaseModel):
    """`[global.ui]`: the pages, and how people sign in to them."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    issuer: Text | None = Field(None, description="Which of several configured issuers people sign in at.")
    client_id: Text | None = Field(None, description="What the issuer knows these pages by; needed to sign in there.")
    client_secret: Secret | None = Field(None, description="The client's secret; absent for a public client.")
    scopes: tuple[str, ...] = Field(("openid", "profile"), description="What is asked of the issuer at sign-in.")
    viewer_permission: Text = Field("viewer", description="Who has it may look at the pages.")
    admin_permission: Text | None = Field(
        None, description="Who has it may also act; that of the introspection API where absent."
    )
    idle_timeout: Annotated[float, Field(ge=60, le=86_400)] = Field(
        1800, description="Seconds without use after which a session ends."
    )
    lifetime: Annotated[float, Field(ge=60, le=604_800)] = Field(
        43_200, description="Seconds after which a session ends whatever is done in it."
    )

    @field_validator("scopes")
    @classmethod
    def _are_scopes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_SCOPE.fullmatch(scope) for scope in value):
            raise ValueError("holds what is no scope: write each as a word of its own")
        if "openid" not in value:
            raise ValueError("lacks 'openid', without which no issuer says who signed in: add it")
        return value
