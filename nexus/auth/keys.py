"""What the verifier needs of an issuer's keys, wherever they come from, and how they are doing."""

from dataclasses import dataclass
from typing import Literal, Protocol

from nexus.auth.key_ring import KeyRing, PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerStatus:
    """How the keys of one issuer are doing.

    Attributes:
        issuer: whose.
        level: `pass`; `warn` where old keys serve because new ones are not to be had; `fail` where none are.
        reason: one sentence.
        keys: how many are usable.
        key_age: seconds since they were fetched; None where there are none or they never age.
        last_error: why the last fetch failed; None where it did not.
        next_attempt_in: seconds until the next fetch; None where there is none to come.
        clock_offset: seconds that the issuer's clock is ahead of ours; None where unknown.
        warnings: a sentence for each published key that is left out.
    """

    issuer: str
    level: Literal["pass", "warn", "fail"]
    reason: str
    keys: int = 0
    key_age: float | None = None
    last_error: str | None = None
    next_attempt_in: float | None = None
    clock_offset: float | None = None
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True where tokens of the issuer can be verified."""
        return self.level != "fail"


class Keys(Protocol):
    """The keys of one issuer.

    Attributes:
        ring: what is in use; another object as soon as it would decide otherwise; None before the first.
        attention_at: monotonic time from which `find` gives nothing and `require` must be asked.
    """

    @property
    def ring(self) -> KeyRing | None:
        """What is in use."""

    @property
    def attention_at(self) -> float:
        """When `require` must be asked."""

    def find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        """The key, where it can be told without waiting."""

    async def require(self, kid: str | None, algorithm: str) -> PublicKey:
        """The key, after a fetch where one is due.

        Raises:
            Refusal: the issuer has no such key.
            KeysUnavailable: nobody can tell.
        """

    def status(self) -> IssuerStatus:
        """How the keys are doing now."""

    async def reload(self) -> None:
        """Fetches anew, whatever the age of what is there; a failure shows in the status."""
