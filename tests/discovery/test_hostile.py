"""One bad module each time, beside a good one that must not notice."""

import logging
import sys

import pytest

from nexus.spec.state import ModuleState

HEAD = "import nexus\n"
MODULE = HEAD + "bad = nexus.Module('bad', version='1')\n"

HOSTILE = {
    "raises": ("\nraise ValueError('no luck')", "import_error", "ValueError: no luck (bad.py:2)"),
    "exits": ("import sys\nsys.exit(3)", "exited", "sys.exit(3) (bad.py:2)"),
    "exits_silently": ("raise SystemExit", "exited", "bad.py:1"),
    "interrupts": ("raise KeyboardInterrupt", "import_error", "KeyboardInterrupt (bad.py:1)"),
    "cancels": ("import asyncio\nraise asyncio.CancelledError", "import_error", "CancelledError (bad.py:2)"),
    "base_exception": ("class E(BaseException): pass\nraise E('x')", "import_error", "E: x (bad.py:2)"),
    "syntax": ("\n\ndef f(:\n    pass\n", "syntax_error", "bad.py:3: invalid syntax"),
    "indentation": ("if True:\nx = 1", "syntax_error", "bad.py:2"),
    "tabs": ("if True:\n\tx = 1\n        y = 2\n", "syntax_error", "bad.py:3"),
    "null_byte": ("x = 1\0", "import_error|syntax_error", "null byte"),
    "not_utf8": (b"x = '\xff'", "syntax_error", "bad.py"),
    "deep_nesting": ("x = " + "(" * 300 + ")" * 300, "syntax_error", "too many nested parentheses"),
    "missing_dependency": ("\nimport not_there.at_all", "missing_dependency", "pip install not_there"),
    "missing_sibling": ("from nexus_modules.other import x", "missing_dependency", "do not import one another"),
    "missing_name": ("from nexus import Modul", "import_error", "cannot import name 'Modul'"),
    "recursion": ("def f(): return f()\nf()", "import_error", "RecursionError: maximum recursion depth"),
    "unspeakable": (
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
        "import_error",
        "its message cannot be shown",
    ),
    "exits_when_told": (
        "class E(BaseException):\n    def __str__(self): raise SystemExit\nraise E",
        "import_error",
        "its message cannot be shown",
    ),
    "long_message": ("raise ValueError('x' * 100_000)", "import_error", "x…"),
    "empty": ("", "invalid_declaration", "declares no module: write 'bad = nexus.Module('bad', …)'"),
    "wrong_name": (HEAD + "bad = nexus.Module('other', version='1')", "invalid_declaration", "calls itself 'other'"),
    "unusable_name": (HEAD + "\nbad = nexus.Module('B ad', version='1')", "invalid_declaration", "(bad.py:3)"),
    "name_no_string": (HEAD + "bad = nexus.Module(3, version='1')", "import_error", "TypeError"),
    "version_no_string": (HEAD + "bad = nexus.Module('bad', version=1)", "invalid_declaration", "version is an object"),
    "settings_no_model": (
        HEAD + "bad = nexus.Module('bad', version='1', settings=dict)",
        "invalid_declaration",
        "subclass of pydantic.BaseModel",
    ),
    "several": (
        HEAD + "a = nexus.Module('a', version='1')\nb = nexus.Module('b', version='1')",
        "invalid_declaration",
        "several modules ('a', 'b')",
    ),
    "misspelt_hook": (
        MODULE + "@nexus.hookimpl\ndef nexus_rotues(): return []",
        "invalid_declaration",
        "there is no hook 'nexus_rotues': did you mean 'nexus_routes'",
    ),
    "foreign_hook": (
        MODULE + "@nexus.hookimpl\ndef pytest_configure(): pass",
        "invalid_declaration",
        "there is no hook 'pytest_configure': use one of nexus_checks",
    ),
    "hook_wrong_argument": (
        MODULE + "@nexus.hookimpl\ndef nexus_routes(app): return []",
        "invalid_declaration",
        "app",
    ),
    "async_hook": (
        MODULE + "@nexus.hookimpl\nasync def nexus_routes(): return []",
        "invalid_declaration",
        "hook nexus_routes is async",
    ),
    "hook_raises": (
        MODULE + "@nexus.hookimpl\ndef nexus_routes(): raise OSError('gone')",
        "hook_error",
        "hook nexus_routes raised OSError: gone (bad.py:4)",
    ),
    "hook_exits": (MODULE + "@nexus.hookimpl\ndef nexus_checks(): raise SystemExit(2)", "exited", "sys.exit(2)"),
    "hook_gives_number": (
        MODULE + "@nexus.hookimpl\ndef nexus_routes(): return 42",
        "invalid_declaration",
        "hook nexus_routes gave an object of type 'int': give a list of nexus.Route",
    ),
    "hook_gives_text": (MODULE + "@nexus.hookimpl\ndef nexus_jobs(): return 'x'", "invalid_declaration", "'str'"),
    "hook_gives_strangers": (
        MODULE + "@nexus.hookimpl\ndef nexus_checks(): return [1]",
        "invalid_declaration",
        "gave an object of type 'int' in its list: give nexus.Check",
    ),
    "hook_iterates_into_error": (
        MODULE + "@nexus.hookimpl\ndef nexus_routes():\n    yield from ()\n    raise KeyError('k')",
        "hook_error",
        "KeyError: 'k' (bad.py:6)",
    ),
    "hook_never_ends": (
        MODULE + "import itertools\nR = nexus.Check(name='a', probe=None)\n"
        "@nexus.hookimpl\ndef nexus_checks(): return itertools.repeat(R)",
        "invalid_declaration",
        "more than 10000 parts",
    ),
    "manifest_nonsense": (
        HEAD + "@nexus.hookimpl\ndef nexus_manifest(): return {'name': 'bad'}",
        "invalid_declaration",
        "hook nexus_manifest gave an object of type 'dict': give a nexus.Manifest",
    ),
    "manifest_missing": (
        HEAD + "@nexus.hookimpl\ndef nexus_routes(): return []",
        "invalid_declaration",
        "hook nexus_manifest gave None",
    ),
    "two_manifests": (
        MODULE + "@nexus.hookimpl\ndef nexus_manifest(): return nexus.Manifest(name='bad', version='1')",
        "invalid_declaration",
        "keep one of them",
    ),
    "route_twice": (
        MODULE + "async def f(request): pass\nR = nexus.Route(method='GET', path='/a', handler=f)\n"
        "@nexus.hookimpl\ndef nexus_routes(): return [R, R]",
        "invalid_declaration",
        "declares the route 'GET /a' twice",
    ),
    "check_twice": (
        MODULE + "async def f(c): pass\nbad.check('a')(f)\n"
        "@nexus.hookimpl\ndef nexus_checks(): return [nexus.Check(name='a', probe=f)]",
        "invalid_declaration",
        "declares the check 'a' twice",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_bad_module_is_told_with_a_reason_and_the_good_one_beside_it_loads(place, case, caplog):
    source, code, told = HOSTILE[case]
    place.write("good.py", _good("good"))
    file = place.folder / "bad.py"
    file.write_bytes(source if isinstance(source, bytes) else source.encode())
    before = set(sys.modules)

    with caplog.at_level(logging.CRITICAL):
        records = place.from_folder("bad", "good").records

    bad, good = records["bad"], records["good"]
    assert (bad.state, good.state) == (ModuleState.FAILED, ModuleState.STARTING)
    assert bad.reason.code in code.split("|")
    assert told in bad.reason.message
    assert len(bad.reason.message) < 600
    assert "\n" not in bad.reason.message
    assert bad.plugin is None
    assert bad.routes == ()
    assert [route.path for route in good.routes] == ["/"]
    assert {name for name in set(sys.modules) - before if name.startswith("nexus_modules.bad")} == set()


def _good(name):
    return f"import nexus\n{name} = nexus.Module({name!r}, version='1')\n@{name}.get('/')\nasync def f(request): pass\n"
