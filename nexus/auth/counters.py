"""How many tokens were taken and refused, by reason; the reasons are a closed set, so this never grows."""

from collections.abc import Mapping

from nexus.auth.refusal import Reason


class Counters:
    """Counts since the start.

    Attributes:
        verified: tokens verified in full.
        cached: tokens taken because they were verified before.
        unavailable: tokens on which nothing could be decided.
    """

    __slots__ = ("_refused", "cached", "unavailable", "verified")

    def __init__(self) -> None:
        self.verified = 0
        self.cached = 0
        self.unavailable = 0
        self._refused = dict.fromkeys(Reason, 0)

    def refuse(self, reason: Reason) -> None:
        """Counts a refusal."""
        self._refused[reason] += 1

    @property
    def refused(self) -> Mapping[Reason, int]:
        """Refusals by reason, those that happened."""
        return {reason: count for reason, count in self._refused.items() if count}

    @property
    def accepted(self) -> int:
        """All tokens taken."""
        return self.verified + self.cached
