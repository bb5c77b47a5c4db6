"""What the built distributions hold."""

import tarfile
import zipfile

import pytest

pytestmark = pytest.mark.package


def names_in(wheel) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_carries_the_shipped_modules_and_the_type_marker(wheel):
    names = names_in(wheel)

    assert "nexus/py.typed" in names
    assert "nexus/_modules/liveness/module.py" in names
    assert "nexus/_modules/hello/module.py" in names


def test_the_wheel_puts_nothing_but_nexus_into_site_packages(wheel):
    tops = {name.partition("/")[0] for name in names_in(wheel)}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"nexus"}


def test_the_wheel_carries_no_caches_and_its_licence(wheel):
    names = names_in(wheel)

    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_source_distribution_carries_what_the_wheel_is_built_from(distributions):
    with tarfile.open(next(distributions.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert names >= {"pyproject.toml", "README.md", "LICENSE", "nexus/py.typed", "modules/hello/module.py"}
