"""What must fit before a module's code is imported: its requirements, the Python version, the host's interface."""

from pathlib import Path

from nexus.discovery.candidate import Candidate
from nexus.discovery.literals import read_literals
from nexus.discovery.locating import source_file
from nexus.spec.errors import InvalidDeclaration
from nexus.spec.manifest import accepts_host_api
from nexus.spec.names import HOST_API
from nexus.spec.state import Reason


def find_misfit(candidate: Candidate) -> Reason | None:
    """Gives why the candidate must not be imported here, naming requirement, installed version and remedy.

    None where everything fits that can be known before the import.
    """
    return _distribution_misfit(candidate) or _interface_misfit(candidate)


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


def _distribution_misfit(candidate: Candidate) -> Reason | None:
    if candidate.requires_python is None and not candidate.requirements:
        return None
    # What reads versions and markers is loaded for modules of installed distributions alone.
    from nexus.discovery.demands import find_unmet  # noqa: PLC0415

    return find_unmet(candidate)


def _interface_misfit(candidate: Candidate) -> Reason | None:
    host_api = candidate.host_api
    # The source of a module that lies in a folder was read when it was found.
    if not isinstance(candidate.location, Path) and (file := source_file(candidate)) is not None:
        host_api = read_literals(file, candidate.name).host_api
    return None if host_api is None else host_api_misfit(host_api)
