"""What is told before a module's code is imported, and what its source says without running."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.discovery.literals import Literals, read_literals
from nexus.spec.state import ModuleState


@pytest.mark.parametrize(
    ("requirement", "code", "message"),
    [
        (
            "not-installed>=2",
            "missing_requirement",
            "it requires 'not-installed>=2', which is not installed: pip install 'not-installed>=2'",
        ),
        ("pluggy>=99; python_version > '3'", "wrong_requirement", "it requires 'pluggy>=99' and 1."),
        ("pluggy[extra]<1", "wrong_requirement", "it requires 'pluggy[extra]<1'"),
    ],
)
def test_a_requirement_that_does_not_fit_is_told_with_a_remedy_before_the_import(place, requirement, code, message):
    files = {"nexus_shop.py": "raise ValueError"}
    place.install("nexus-shop", "shop = nexus_shop:shop", files=files, requires=("pluggy>=1", requirement))

    record = place.discover({"shop": {}}).records["shop"]

    assert (record.state, record.reason.code) == (ModuleState.INCOMPATIBLE, code)
    assert record.reason.message.startswith(message)
    assert record.import_seconds is None
    assert "nexus_shop" not in sys.modules


def test_all_requirements_that_do_not_fit_are_told_at_once(place):
    files = {"nexus_shop.py": "raise ValueError"}
    requires = ("not-installed", "pluggy>=99", "nor-this<2", "aiohttp")
    place.install("nexus-shop", "shop = nexus_shop:shop", files=files, requires=requires)

    reason = place.discover({"shop": {}}).records["shop"].reason

    assert reason.code == "missing_requirement"
    assert [name for name in requires if f"it requires '{name}'" in reason.message] == list(requires[:3])


def test_requirements_for_other_systems_and_extras_and_unreadable_ones_do_not_count(place, caplog):
    place.install(
        "nexus-shop",
        "shop = nexus_shop:shop",
        files={"nexus_shop.py": "import nexus\nshop = nexus.Module('shop', version='1')"},
        requires=("never; sys_platform == 'nowhere'", "never; extra == 'more'", "!!", "pluggy"),
    )

    assert place.discover({"shop": {}}).records["shop"].state is ModuleState.STARTING
    assert "cannot be read and is not checked: '!!'" in caplog.text


def test_another_python_is_told(place):
    place.install("nexus-shop", "shop = nexus_shop:shop", extra="Requires-Python: >=4")

    reason = place.discover({"shop": {}}).records["shop"].reason

    assert reason.code == "wrong_python"
    assert reason.message.startswith("it requires Python >=4 and this is 3.")


def test_a_package_in_a_folder_may_say_in_a_pyproject_what_it_needs(place):
    place.write("shop/__init__.py", "raise ValueError")
    place.write(
        "shop/pyproject.toml",
        '[project]\nname = "x"\nversion = "9"\ndescription = "Sells."\ndependencies = ["not-installed"]\n',
    )

    record = place.from_folder("shop").records["shop"]

    assert (record.version, record.description) == ("9", "Sells.")
    assert record.reason.code == "missing_requirement"


@pytest.mark.parametrize("project", ["", "[project", "project = 3", "[project]\nversion = 3\ndependencies = 4"])
def test_a_pyproject_that_says_nothing_usable_is_passed_over(place, project):
    place.write("shop/__init__.py", "import nexus\nshop = nexus.Module('shop', version='1')")
    place.write("shop/pyproject.toml", project)

    assert place.from_folder("shop").records["shop"].state is ModuleState.STARTING


@pytest.mark.parametrize("kind", ["folder", "distribution", "distribution, nested"])
@pytest.mark.parametrize("host_api", [">=2", "2", "all of them"])
def test_a_module_for_another_authoring_interface_is_told_before_the_import(place, kind, host_api):
    source = f"import nexus\nsys.exit()\nshop = nexus.Module('shop', version='1', host_api={host_api!r})"
    if kind == "folder":
        place.write("shop.py", source)
        catalog = place.from_folder("shop")
    else:
        name = "nexus_shop.inner.plugin" if "nested" in kind else "nexus_shop"
        place.install("nexus-shop", f"shop = {name}:shop", files={name.replace(".", "/") + ".py": source})
        catalog = place.discover({"shop": {}})

    record = catalog.records["shop"]

    assert (record.state, record.reason.code) == (ModuleState.INCOMPATIBLE, "host_api")
    assert record.import_seconds is None


def test_an_interface_range_that_the_source_computes_is_checked_after_the_import(place):
    place.write("shop.py", "import nexus\nshop = nexus.Module('shop', version=str(2), host_api='>=' + str(2))")

    record = place.from_folder("shop").records["shop"]

    assert (record.state, record.reason.code) == (ModuleState.INCOMPATIBLE, "host_api")
    assert record.reason.message.startswith("it is written for versions >=2 of the authoring interface")
    assert (record.version, record.plugin) == ("2", None)


@pytest.mark.parametrize(
    ("source", "version"),
    [
        ("nexus.Module('shop', version='1')", "1"),
        ("from nexus import Module\nx = Module(name='shop', version='1')", "1"),
        ("V = '1'\nx = nexus.Module('shop', version=V)", "1"),
        ("V: str = '1'\nx = nexus.Module('shop', version=V)", "1"),
        ("nexus.Module(NAME, version='1')", "1"),
        ("nexus.Module('other', version='2')\nnexus.Module('shop', version='1')", "1"),
        ("def nexus_manifest():\n    return nexus.Manifest(name='shop', version='1')", "1"),
        ("nexus.Module('shop', version=read())", None),
        ("nexus.Module('shop', **metadata)", None),
        ("nexus.Module(*arguments)", None),
        ("nexus.Module('a', version='2')\nnexus.Module('b', version='1')", None),
        ("threading.Module('shop', version='1')", None),
        ("V = V", None),
        ("nexus.Module('shop', version=", None),
        ("x = " + "-" * 200_000 + "1", None),
        ("x\0", None),
    ],
)
def test_what_the_source_says_in_literals_is_read_without_running_it(tmp_path, source, version):
    file = tmp_path / "shop.py"
    file.write_text(source)

    assert read_literals(file, "shop").version == version


def test_a_source_above_a_mebibyte_or_absent_is_not_read(tmp_path):
    file = tmp_path / "shop.py"
    file.write_text("nexus.Module('shop', version='1')\n" + "#" * 2**20)

    assert read_literals(file, "shop") == Literals()
    assert read_literals(tmp_path / "none.py", "shop") == Literals()


@given(
    st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
)
def test_reading_literals_never_fails_whatever_the_bytes(tmp_path_factory, source):
    file = tmp_path_factory.mktemp("source") / "shop.py"
    file.write_bytes(source)

    assert isinstance(read_literals(file, "shop"), Literals)
