"""Where modules come from, and what is known of them before their code runs."""

import sys
from pathlib import Path

import pytest

from nexus.config.settings import HostSettings
from nexus.discovery.catalog import discover
from nexus.discovery.finder import shipped_directory
from nexus.spec.state import ModuleState

MODULE = "import nexus\n{0} = nexus.Module({0!r}, version='3', description='Is well.')\n"


def told(record):
    return record.state, record.reason.code if record.reason else None


def test_a_module_is_one_file_or_a_package_in_the_folder_of_its_table(place):
    place.write("one.py", MODULE.format("one"))
    place.write("two/__init__.py", MODULE.format("two"))
    place.write("three/module.py", MODULE.format("three"))

    records = place.from_folder("one", "two", "three").records

    assert {name: record.source for name, record in records.items()} == {
        "one": "folder my_modules/one.py",
        "three": "folder my_modules/three/module.py",
        "two": "folder my_modules/two/__init__.py",
    }
    assert {record.state for record in records.values()} == {ModuleState.STARTING}
    assert list(records) == sorted(records)


def test_a_hyphen_in_the_name_is_an_underscore_in_the_file(place):
    place.write("my_shop.py", "import nexus\nmy_shop = nexus.Module('my-shop', version='1')")

    record = place.from_folder("my-shop").records["my-shop"]

    assert told(record) == (ModuleState.STARTING, None)
    assert record.package == "nexus_modules.my_shop"


def test_two_names_that_share_a_python_name_do_not_replace_each_other(place):
    place.write("a-b.py", "import nexus\nm = nexus.Module('a-b', version='1')")
    place.write("a_b.py", "import nexus\nm = nexus.Module('a_b', version='1')")

    records = place.from_folder("a-b", "a_b").records

    assert told(records["a-b"]) == (ModuleState.STARTING, None)
    assert told(records["a_b"]) == (ModuleState.FAILED, "name_clash")
    assert "would replace that of 'a-b'" in records["a_b"].reason.message


@pytest.mark.parametrize("layout", ["shop/__init__.py", "shop/module.py"])
def test_the_files_of_a_package_import_one_another_both_ways(place, layout):
    place.write(layout, "import nexus\nshop = nexus.Module('shop', version='1')\nfrom . import routes\n")
    own = "nexus_modules.shop" + (".module" if layout.endswith("module.py") else "")
    place.write(
        "shop/routes.py",
        f"from {own} import shop\nfrom .deep.names import PATH\nfrom nexus_modules.shop.deep import names\n"
        "@shop.get(PATH)\nasync def f(request): ...\n",
    )
    place.write("shop/deep/__init__.py", "")
    place.write("shop/deep/names.py", "PATH = '/deep'")

    record = place.from_folder("shop").records["shop"]

    assert told(record) == (ModuleState.STARTING, None)
    assert [route.path for route in record.routes] == ["/deep"]
    assert sys.modules["nexus_modules.shop.deep.names"].PATH == "/deep"


def test_a_package_may_have_both_an_init_and_a_module_file(place):
    place.write("shop/__init__.py", "VERSION = '7'")
    place.write("shop/module.py", "import nexus\nfrom . import VERSION\nshop = nexus.Module('shop', version=VERSION)")

    assert place.from_folder("shop").records["shop"].version == "7"


def test_nothing_is_put_on_the_import_path(place):
    place.write("shop/module.py", MODULE.format("shop"))
    before = list(sys.path)

    place.from_folder("shop")

    assert sys.path == before
    assert "shop" not in sys.modules
    assert "module" not in sys.modules


def test_a_library_that_a_failed_module_imported_stays_and_its_own_files_go(place):
    place.write("lib_of_others.py", "", into=place.site)
    place.write("shop/module.py", "import lib_of_others\nfrom . import service\nraise ValueError")
    place.write("shop/service.py", "")

    record = place.from_folder("shop").records["shop"]

    assert record.reason.message.startswith("its import raised ValueError (shop/module.py:3)")
    assert "lib_of_others" in sys.modules
    assert not [name for name in sys.modules if name.startswith("nexus_modules.shop")]
    assert not hasattr(sys.modules["nexus_modules"], "shop")


def test_the_error_names_the_innermost_line_of_the_modules_own_code(place):
    place.write("shop/module.py", "from .service import start\nstart()")
    place.write("shop/service.py", "import json\ndef start():\n    json.loads('{')\n")

    assert "(shop/service.py:3)" in place.from_folder("shop").records["shop"].reason.message


def test_an_installed_distribution_names_its_modules_in_an_entry_point(place):
    place.install("nexus-shop", "shop = nexus_shop:shop", files={"nexus_shop.py": MODULE.format("shop")})

    record = place.discover({"shop": {}}).records["shop"]

    assert told(record) == (ModuleState.STARTING, None)
    assert (record.source, record.version, record.package) == ("distribution nexus-shop 1.2", "3", "nexus_shop")
    assert record.import_seconds > 0


def test_an_entry_point_may_name_the_python_module_alone(place):
    place.install("nexus-shop", "shop = nexus_shop.plugin", files={"nexus_shop/plugin.py": MODULE.format("shop")})

    assert told(place.discover({"shop": {}}).records["shop"]) == (ModuleState.STARTING, None)


def test_what_no_table_asks_for_is_available_and_its_code_does_not_run(place):
    broken = "raise ValueError"
    place.install("nexus-shop", "shop = nexus_shop:shop", files={"nexus_shop.py": broken})
    place.write(
        "bell/module.py", f"{broken}\nnexus.Module('bell', version='2', description='Rings.')", into=place.shipped
    )

    records = place.discover({}).records

    assert {name: told(record) for name, record in records.items()} == {
        "bell": (ModuleState.AVAILABLE, None),
        "shop": (ModuleState.AVAILABLE, None),
    }
    assert (records["shop"].version, records["shop"].description) == ("1.2", "Does things.")
    assert (records["bell"].version, records["bell"].description) == ("2", "Rings.")
    assert "nexus_shop" not in sys.modules


def test_a_disabled_module_is_shown_and_its_code_does_not_run(place):
    place.write("shop.py", "raise ValueError")

    record = place.discover({"shop": {"path": "my_modules", "enabled": False}}).records["shop"]

    assert told(record) == (ModuleState.DISABLED, "disabled")
    assert record.import_seconds is None


def test_safe_mode_and_only_leave_configured_modules_out(place):
    for name in ("one", "two"):
        place.write(f"{name}.py", MODULE.format(name))
    place.ship("bell")

    safe = place.from_folder("one", "two", safe_mode=True).records
    only = place.from_folder("one", "two", only=frozenset({"two", "bell", "tow"})).records

    assert {name: told(record) for name, record in safe.items()} == {
        "bell": (ModuleState.AVAILABLE, None),
        "one": (ModuleState.DISABLED, "safe_mode"),
        "two": (ModuleState.DISABLED, "safe_mode"),
    }
    assert {name: told(record) for name, record in only.items()} == {
        "bell": (ModuleState.AVAILABLE, "not_configured"),
        "one": (ModuleState.DISABLED, "left_out"),
        "two": (ModuleState.STARTING, None),
        "tow": (ModuleState.NOT_FOUND, "not_found"),
    }
    assert "add [modules.bell]" in only["bell"].reason.message


def test_a_module_that_is_not_there_names_the_nearest_that_is(place):
    place.ship("bell")
    place.write("shop.py", MODULE.format("shop"))

    records = place.discover(
        {"bel": {}, "shpo": {"path": "my_modules"}, "zzz": {}, "lost": {"path": "nowhere"}, "off": {"enabled": False}}
    ).records

    assert {told(records[name]) for name in ("bel", "shpo", "zzz", "lost")} == {(ModuleState.NOT_FOUND, "not_found")}
    assert records["off"].state is ModuleState.DISABLED
    assert records["bel"].reason.message.endswith("has the name 'bel': did you mean 'bell'?")
    assert records["shpo"].reason.message == "there is no shpo.py and no shpo/ in 'my_modules': did you mean 'shop'?"
    assert "install it, or say with 'path'" in records["zzz"].reason.message
    assert "'nowhere', which is no folder: write it, or correct 'path'" in records["lost"].reason.message


def test_a_name_that_two_places_give_is_an_error_that_names_both(place):
    place.ship("shop")
    place.install("nexus-shop", "shop = nexus_shop:shop", files={"nexus_shop.py": MODULE.format("shop")})
    place.write("shop.py", MODULE.format("shop"))

    clash = place.discover({"shop": {}}).records["shop"]
    unasked = place.discover({}).records["shop"]
    settled = place.from_folder("shop").records["shop"]

    assert told(clash) == (ModuleState.FAILED, "name_clash")
    assert "distribution nexus-shop 1.2 (nexus_shop:shop) and shipped give this name" in clash.reason.message
    assert told(unasked) == (ModuleState.AVAILABLE, "name_clash")
    assert told(settled) == (ModuleState.STARTING, None)


def test_two_distributions_that_give_one_name_clash_and_one_seen_twice_does_not(place, monkeypatch):
    place.install("nexus-a", "shop = nexus_a:shop")
    place.install("nexus-b", "shop = nexus_b:shop")
    place.install("nexus-c", "bell = nexus_c:bell", files={"nexus_c.py": MODULE.format("bell")})
    monkeypatch.syspath_prepend(str(place.site / "."))
    monkeypatch.syspath_prepend(str(place.site) + "/../site")

    records = place.discover({"shop": {}, "bell": {}}).records

    assert told(records["shop"]) == (ModuleState.FAILED, "name_clash")
    assert "nexus-a 1.2 (nexus_a:shop) and distribution nexus-b 1.2 (nexus_b:shop)" in records["shop"].reason.message
    assert told(records["bell"]) == (ModuleState.STARTING, None)


def test_damaged_metadata_hides_only_its_own_modules(place, caplog):
    place.install("nexus-a", "this line is none", files={})
    place.install("nexus-b", "Bad Name = nexus_b:x")
    place.install("nexus-c", "shop = nexus_c:shop", files={"nexus_c.py": MODULE.format("shop")})
    (place.site / "nameless-1.dist-info").mkdir()
    (place.site / "nameless-1.dist-info" / "entry_points.txt").write_text("[nexus.modules]\nx = y:z\n")

    records = place.discover({"shop": {}}).records

    assert list(records) == ["shop"]
    assert told(records["shop"]) == (ModuleState.STARTING, None)
    assert "metadata cannot be read" in caplog.text
    assert "'Bad Name', which no table can have" in caplog.text


@pytest.mark.parametrize(
    ("value", "code", "told_text"),
    [
        ("nexus_shop:shopp", "invalid_entry_point", "names 'shopp', which nexus_shop does not have"),
        ("nexus shop:x y", "invalid_entry_point", "is malformed: write 'package.module:attribute'"),
        ("nexus_shopp:shop", "missing_dependency", "no module named 'nexus_shopp'"),
        ("nexus_shop:number", "invalid_declaration", "names an object of type 'int': name a nexus.Module"),
        ("nexus_shop.bad:shop", "import_error", "ValueError: no luck (nexus_shop/bad.py:1)"),
        ("nexus_exits:shop", "exited", "its import calls sys.exit(0) (nexus_exits.py:1)"),
    ],
)
def test_a_broken_entry_point_is_told_and_leaves_nothing_behind(place, value, code, told_text):
    files = {
        "nexus_shop/__init__.py": MODULE.format("shop") + "number = 4",
        "nexus_shop/bad.py": "raise ValueError('no luck')",
        "nexus_exits.py": "raise SystemExit(0)",
    }
    place.install("nexus-shop", f"shop = {value}", files=files)
    place.ship("bell")

    records = place.discover({"shop": {}, "bell": {}}).records

    assert told(records["shop"]) == (ModuleState.FAILED, code)
    assert told_text in records["shop"].reason.message
    assert told(records["bell"]) == (ModuleState.STARTING, None)
    assert not [name for name in sys.modules if name.startswith(("nexus_shop", "nexus_exits"))]


def test_a_folder_named_from_outside_may_hold_anything(place):
    place.write("shop.py/oops.txt", "a folder with a file's name")
    place.write("notes.txt", "")
    (place.folder / "empty").mkdir()
    (place.folder / "dangling.py").symlink_to(place.folder / "nowhere")

    records = place.from_folder("shop", "notes", "empty", "dangling").records

    assert {record.state for record in records.values()} == {ModuleState.NOT_FOUND}


def test_the_shipped_modules_are_found_in_a_clone():
    assert (shipped_directory() / "liveness" / "module.py").is_file()


def test_the_shipped_liveness_module_declares_one_public_route(tmp_path):
    settings = HostSettings.model_validate({"modules": {"liveness": {}}})

    record = discover(settings, directory=tmp_path).records["liveness"]

    assert told(record) == (ModuleState.STARTING, None)
    assert [(route.method, route.path, route.access.is_public) for route in record.routes] == [("GET", "/up", True)]
    assert record.readme.read_text().startswith("# liveness")


def test_a_stranger_beside_an_installed_package_is_not_taken_for_shipped_modules(tmp_path, monkeypatch):
    (tmp_path / "nexus").mkdir()
    (tmp_path / "modules").mkdir()
    monkeypatch.setattr("nexus.discovery.finder._PACKAGE", tmp_path / "nexus")

    assert shipped_directory() == tmp_path / "nexus" / "_modules"


def test_a_shipped_modules_folder_that_is_not_there_holds_no_modules(place):
    place.shipped.rmdir()

    assert dict(place.discover({}).records) == {}
    assert isinstance(place.shipped, Path)
