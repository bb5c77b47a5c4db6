"""What a module may hand over besides a `nexus.Module`, and how its hooks are called."""

import logging
import sys
from datetime import UTC, datetime

import pytest

from nexus.spec.errors import InvalidDeclaration, NotReady
from nexus.spec.event import ModuleEvent
from nexus.spec.state import ModuleState, ModuleStateChanged

MODULE = "import nexus, contextlib\nshop = nexus.Module('shop', version='1')\n"
EVENT = ModuleStateChanged(
    module="other",
    previous=None,
    state=ModuleState.FAILED,
    phase="startup",
    at=datetime(2026, 1, 1, tzinfo=UTC),
    reason=None,
)


def load(place, source, name="shop"):
    place.write(f"{name}.py", source)
    record = place.from_folder(name).records[name]
    assert record.reason is None
    assert record.state is ModuleState.STARTING
    return record


def test_a_module_may_be_hooks_alone(place):
    source = """
        import nexus

        async def hi(request): ...
        async def well(context): ...
        async def sweep(context): ...

        @nexus.hookimpl
        def nexus_manifest():
            return nexus.Manifest(name="shop", version="2", description="Sells.", requires=frozenset({"db"}))

        @nexus.hookimpl
        def nexus_routes():
            yield nexus.Route(method="GET", path="/hi", handler=hi)

        @nexus.hookimpl
        def nexus_checks():
            return {nexus.Check(name="well", probe=well)}

        @nexus.hookimpl
        def nexus_jobs():
            return [nexus.Job(type="sweep", run=sweep)]
    """

    record = load(place, source)

    assert (record.version, record.description, record.manifest.requires) == ("2", "Sells.", {"db"})
    assert ([r.path for r in record.routes], [c.name for c in record.checks], [j.type for j in record.jobs]) == (
        ["/hi"],
        ["well"],
        ["sweep"],
    )
    assert record.plugin.lifespan(None) is None


def test_functions_add_to_what_the_module_object_declares(place):
    source = MODULE + (
        "@shop.get('/a')\nasync def a(request): ...\n"
        "@nexus.hookimpl\ndef nexus_routes(): return [nexus.Route(method='GET', path='/b', handler=a)]\n"
    )

    assert [route.path for route in load(place, source).routes] == ["/a", "/b"]


async def test_the_lifespans_of_module_and_functions_are_entered_in_turn_and_left_in_reverse(place):
    source = MODULE + (
        "log = []\n"
        "@shop.lifespan\nasync def one(context):\n    log.append('one up')\n    yield\n    log.append('one down')\n"
        "@nexus.hookimpl\n@contextlib.asynccontextmanager\nasync def nexus_lifespan(context):\n"
        "    log.append(f'two up {context}')\n    yield\n    log.append('two down')\n"
        "async def out(request): ...\nshop.get('/log')(out)\nout.log = log\n"
    )
    record = load(place, source)

    async with record.plugin.lifespan("here"):
        assert record.routes[0].handler.log == ["one up", "two up here"]

    assert record.routes[0].handler.log[2:] == ["two down", "one down"]


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        ("return 3", InvalidDeclaration, "gave an object of type 'int': give an async context manager"),
        ("raise SystemExit", InvalidDeclaration, "hook nexus_lifespan calls sys.exit"),
        ("raise nexus.NotReady('later')", NotReady, "later"),
    ],
)
def test_a_lifespan_hook_that_cannot_be_used_is_told_where_the_host_can_act(place, body, error, message):
    record = load(place, MODULE + f"@nexus.hookimpl\ndef nexus_lifespan(context): {body}")

    with pytest.raises(error, match=message):
        record.plugin.lifespan(None)


def test_a_module_hears_of_state_changes_and_what_it_raises_is_only_logged(place, caplog):
    source = MODULE + (
        "@nexus.hookimpl\ndef nexus_module_state_changed(event):\n    shop.heard = event\n    raise SystemExit(1)\n"
        "async def out(request): return shop.heard\nshop.get('/')(out)\n"
    )
    record = load(place, source)

    record.plugin.state_changed(EVENT)

    assert record.routes[0].handler.__globals__["shop"].heard is EVENT
    assert "module shop: hook nexus_module_state_changed failed" in caplog.text


def test_a_module_hears_what_others_publish_and_what_it_raises_is_only_logged(place, caplog):
    source = MODULE + (
        "@nexus.hookimpl\ndef nexus_module_event(event):\n    shop.heard = event\n    raise SystemExit(1)\n"
        "async def out(request): return shop.heard\nshop.get('/')(out)\n"
    )
    record = load(place, source)
    event = ModuleEvent(module="till", type="sold", data={"thing": "tea"}, at=datetime(2030, 1, 1, tzinfo=UTC))

    record.plugin.module_event(event)

    assert record.routes[0].handler.__globals__["shop"].heard is event
    assert "module shop: hook nexus_module_event failed" in caplog.text


def test_objects_that_do_not_want_to_be_looked_at_do_no_harm(place):
    source = MODULE + (
        "class Proxy:\n"
        "    @property\n    def __class__(self): raise RuntimeError('outside of context')\n"
        "    def __getattr__(self, name): raise RuntimeError('outside of context')\n"
        "proxy = Proxy()\n"
        "def __getattr__(name): raise RuntimeError(name)\n"
    )

    load(place, source)


def test_of_several_modules_in_a_file_the_one_of_its_name_counts(place):
    by_attribute = "import nexus\nother = nexus.Module('x', version='1')\nshop = nexus.Module('shop', version='2')"
    by_name = "import nexus\na = nexus.Module('x', version='1')\nb = c = nexus.Module('store', version='2')"

    assert load(place, by_attribute).version == "2"
    assert load(place, by_name, "store").version == "2"


def test_a_function_that_looks_like_a_hook_and_is_not_marked_is_pointed_out(place, caplog):
    load(place, MODULE + "def nexus_routes(): return []")

    assert "shop.py: nexus_routes is no hook: mark it with nexus.hookimpl" in caplog.text


def test_a_hook_of_a_later_host_may_be_marked_as_optional(place):
    load(place, MODULE + "@nexus.hookimpl(optionalhook=True)\ndef nexus_of_tomorrow(): ...")


def test_a_users_own_interrupt_ends_discovery_and_leaves_nothing_half_imported(place):
    # what the interpreter calls at SIGINT, without the signal: it raises from C, as the signal does
    place.write("shop.py", "import signal\nsignal.default_int_handler(2, None)")

    with pytest.raises(KeyboardInterrupt):
        place.from_folder("shop")

    place.write("shop.py", MODULE)
    assert place.from_folder("shop").records["shop"].state is ModuleState.STARTING


def test_the_traceback_is_in_the_log_and_not_in_the_reason(place, caplog):
    place.write("shop.py", "def deep():\n    raise ValueError('no luck')\ndeep()")

    record = place.from_folder("shop").records["shop"]

    assert "Traceback" not in record.reason.message
    assert "in deep" in caplog.text
    (line,) = [line for line in caplog.records if line.name == "nexus.discovery"]
    assert (line.levelno, line.event, line.module_name) == (logging.ERROR, "discovery.module.failed", "shop")


def test_code_that_was_imported_is_kept_at_a_reload_and_failed_code_is_tried_again(place):
    place.write("shop.py", MODULE + "print('shop runs')")
    place.write("bell.py", "raise ValueError")
    place.write("horn.py", "import nexus\nhorn = nexus.Module('horn', version='1')")
    first = place.from_folder("shop", "bell", "horn")
    place.write("bell.py", "import nexus\nbell = nexus.Module('bell', version='1') # mended")
    place.write("shop.py", "raise ValueError('would be seen if it ran')")
    place.write("elsewhere/horn.py", "import nexus\nhorn = nexus.Module('horn', version='22')", into=place.directory)

    tables = {
        "shop": {"path": "my_modules", "required": True},
        "bell": {"path": "my_modules"},
        "horn": {"path": "elsewhere"},
    }
    second = place.discover(tables, reuse=first)

    shop = second.records["shop"]
    assert shop.plugin is first.records["shop"].plugin
    assert (shop.state, shop.entry.required) == (ModuleState.STARTING, True)
    assert second.records["bell"].state is ModuleState.STARTING
    assert second.records["horn"].version == "22"


def test_code_that_was_disabled_meanwhile_is_still_kept(place):
    place.write("shop.py", MODULE)
    first = place.from_folder("shop")
    off = place.discover({"shop": {"path": "my_modules", "enabled": False}}, reuse=first)
    on = place.from_folder("shop", reuse=off)

    assert off.records["shop"].state is ModuleState.DISABLED
    assert on.records["shop"].plugin is first.records["shop"].plugin


def test_a_failed_second_import_leaves_the_first_in_place(place):
    place.write("shop.py", MODULE)
    place.from_folder("shop")
    running = sys.modules["nexus_modules.shop"]
    place.write("elsewhere/shop.py", "raise ValueError", into=place.directory)

    place.discover({"shop": {"path": "elsewhere"}})

    assert sys.modules["nexus_modules.shop"] is running
    assert sys.modules["nexus_modules"].shop is running


def test_an_import_that_takes_long_is_named_in_the_log_while_it_runs(place, monkeypatch, caplog):
    monkeypatch.setattr("nexus.discovery.importing._SLOW_S", 0.01)

    load(place, MODULE + "import time\ntime.sleep(0.1)")

    assert "module shop: its import still runs after 0.01 seconds" in caplog.text
