"""What the distribution of a module demands before its code is imported: a Python version, other distributions."""

import importlib.metadata
import logging
import platform
from collections.abc import Iterator
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion

from nexus.discovery.candidate import Candidate
from nexus.spec.state import Reason

_NO_EXTRA: Final = {"extra": ""}

logger = logging.getLogger("nexus.discovery")


def find_unmet(candidate: Candidate) -> Reason | None:
    """Gives the demand that is not met, naming installed version and remedy; None where all are."""
    return _python_misfit(candidate) or _requirement_misfit(candidate)


def _python_misfit(candidate: Candidate) -> Reason | None:
    running = platform.python_version()
    try:
        fits = SpecifierSet(candidate.requires_python or "").contains(running, prereleases=True)
    except InvalidSpecifier:
        return None  # installers ignore what they cannot read, too
    if fits:
        return None
    return Reason(
        "wrong_python",
        f"it requires Python {candidate.requires_python} and this is {running}: run Nexus on a Python that fits",
    )


def _requirement_misfit(candidate: Candidate) -> Reason | None:
    """Gives all that is missing or of another version in one reason; its code is that of the first."""
    misfits = tuple(_requirement_misfits(candidate))
    return Reason(misfits[0].code, "; ".join(misfit.message for misfit in misfits)) if misfits else None


def _requirement_misfits(candidate: Candidate) -> Iterator[Reason]:
    for text in candidate.requirements:
        try:
            requirement = Requirement(text)
            applies = requirement.marker is None or requirement.marker.evaluate(_NO_EXTRA)
        except (InvalidRequirement, ValueError):
            logger.warning(
                "module %s has a requirement that cannot be read and is not checked: %r",
                candidate.name,
                text,
                extra={"event": "discovery.requirement.unreadable"},
            )
            continue
        if applies and (reason := _misfit(requirement)) is not None:
            yield reason


def _misfit(requirement: Requirement) -> Reason | None:
    bare = Requirement(str(requirement))
    bare.marker = None
    remedy = f"pip install '{bare}' into the environment that Nexus runs in"
    try:
        installed = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return Reason("missing_requirement", f"it requires '{bare}', which is not installed: {remedy}")
    try:
        fits = requirement.specifier.contains(installed, prereleases=True)
    except InvalidVersion:
        return None  # a version that is none cannot be compared; the import decides
    if fits:
        return None
    return Reason("wrong_requirement", f"it requires '{bare}' and {installed} is installed: {remedy}")
