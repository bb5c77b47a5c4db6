"""What must fit before a module's code is imported: its requirements, the Python version, the host's interface."""

import importlib.metadata
import logging
import platform
from collections.abc import Iterator
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion

from nexus.discovery.candidate import Candidate
from nexus.discovery.literals import read_literals
from nexus.discovery.locating import source_file
from nexus.spec.errors import InvalidDeclaration
from nexus.spec.manifest import accepts_host_api
from nexus.spec.names import HOST_API
from nexus.spec.state import Reason

_NO_EXTRA: Final = {"extra": ""}

logger = logging.getLogger("nexus.discovery")


def find_misfit(candidate: Candidate) -> Reason | None:
    """Gives why the candidate must not be imported here, naming requirement, installed version and remedy.

    None where everything fits that can be known before the import.
    """
    return _python_misfit(candidate) or _requirement_misfit(candidate) or _interface_misfit(candidate)


def host_api_misfit(host_api: str) -> Reason | None:
    """Gives why a module written for the range `host_api` of the authoring interface does not fit this host."""
    try:
        if accepts_host_api(host_api):
            return None
    except InvalidDeclaration as error:
        return Reason("host_api", str(error))
    return Reason(
        "host_api",
        f"it is written for versions {host_api} of the authoring interface and this host has {HOST_API}: "
        "install a version of the module or of Nexus that fits",
    )


def _interface_misfit(candidate: Candidate) -> Reason | None:
    host_api = candidate.host_api
    if host_api is None and (file := source_file(candidate)) is not None:
        host_api = read_literals(file, candidate.name).host_api
    return None if host_api is None else host_api_misfit(host_api)


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
