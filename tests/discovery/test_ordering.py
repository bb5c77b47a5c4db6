"""The order of start-up: what is required runs first, and who cannot run knows why."""

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.discovery.catalog import ModuleRecord
from nexus.discovery.ordering import levels
from nexus.spec.manifest import Manifest
from nexus.spec.state import ModuleState, Reason


def records(graph, **others):
    """`graph` maps a name to what it requires; names after a `~` it only comes after."""
    found = {}
    for name, edges in graph.items():
        manifest = Manifest(
            name=name,
            version="1",
            requires=frozenset(edge for edge in edges if edge[0] != "~"),
            after=frozenset(edge[1:] for edge in edges if edge[0] == "~"),
        )
        found[name] = ModuleRecord(name=name, state=ModuleState.STARTING, manifest=manifest)
    for name, (state, reason) in others.items():
        found[name] = ModuleRecord(name=name, state=state, reason=reason)
    return MappingProxyType(found)


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ({}, ()),
        ({"b": [], "a": []}, (("a", "b"),)),
        ({"a": ["b"], "b": ["c"], "c": []}, (("c",), ("b",), ("a",))),
        ({"a": ["b", "c"], "b": [], "c": [], "d": []}, (("b", "c", "d"), ("a",))),
        ({"a": ["~b"], "b": []}, (("b",), ("a",))),
        ({"a": ["~gone"]}, (("a",),)),
        ({"a": ["~b"], "b": ["~a"]}, (("a", "b"),)),
        ({"a": ["~b"], "b": ["a"]}, (("a",), ("b",))),
        ({"a": ["b"], "b": ["c"], "c": ["~a"]}, (("c",), ("b",), ("a",))),
    ],
)
def test_modules_start_in_levels_after_what_they_require(graph, expected):
    assert levels(records(graph)) == (expected, {})


def test_a_circle_blocks_its_members_and_those_that_need_them_and_no_other():
    order = levels(records({"a": ["b"], "b": ["c"], "c": ["a"], "user": ["b"], "tail": ["user"], "free": ["~a"]}))

    assert order.levels == (("free",),)
    assert {name: reason.code for name, reason in order.blocked.items()} == {
        "a": "dependency_cycle",
        "b": "dependency_cycle",
        "c": "dependency_cycle",
        "tail": "dependency_failed",
        "user": "dependency_failed",
    }
    assert order.blocked["b"].message == "it requires itself (b → c → a → b): take one name out of 'requires'"
    assert order.blocked["tail"].message == (
        "it requires 'user', which is blocked (tail → user → b); 'b' says: "
        "it requires itself (b → c → a → b): take one name out of 'requires'"
    )


@pytest.mark.parametrize(
    ("state", "reason", "code", "message"),
    [
        (None, None, "dependency_missing", "which is not there: install it and add [modules.db] to the configuration"),
        (ModuleState.NOT_FOUND, Reason("not_found", "x"), "dependency_missing", "which is not there"),
        (ModuleState.AVAILABLE, None, "dependency_missing", "which no table asks for: add [modules.db]"),
        (ModuleState.DISABLED, Reason("disabled", "it is off"), "dependency_failed", "which is disabled: it is off"),
        (ModuleState.FAILED, Reason("import_error", "no luck"), "dependency_failed", "which has failed: no luck"),
    ],
)
def test_a_required_module_that_does_not_start_is_named_with_its_reason(state, reason, code, message):
    others = {"db": (state, reason)} if state else {}

    order = levels(records({"a": ["db"], "z": ["a"], "free": ["~db"]}, **others))

    assert order.levels == (("free",),)
    assert order.blocked["a"].code == code
    assert order.blocked["a"].message.startswith(f"it requires 'db', {message}")
    assert order.blocked["z"].message.startswith(
        "it requires 'a', which is blocked (z → a); 'a' says: it requires 'db'"
    )


def test_a_long_chain_is_cut_in_the_message():
    graph = {f"m{index:03}": [f"m{index + 1:03}"] for index in range(500)}

    order = levels(records(graph))

    assert len(order.blocked) == 500
    assert "(m000 → m001 → m002 → m003 → … → m499)" in order.blocked["m000"].message


def test_a_thousand_modules_in_one_chain_are_ordered():
    graph = {f"m{index:04}": [f"m{index + 1:04}"] for index in range(999)} | {"m0999": []}

    assert len(levels(records(graph)).levels) == 1000


NAMES = [f"m{index}" for index in range(8)]
GRAPHS = st.dictionaries(
    st.sampled_from(NAMES),
    st.lists(st.tuples(st.sampled_from(["", "~"]), st.sampled_from(NAMES)).map("".join), max_size=4),
).map(lambda graph: {name: [edge for edge in edges if edge.strip("~") != name] for name, edges in graph.items()})


@given(GRAPHS)
def test_every_module_starts_after_its_requirements_or_is_blocked_with_a_cause(graph):
    given_records = records(graph)

    order = levels(given_records)

    level_by_name = {name: index for index, level in enumerate(order.levels) for name in level}
    assert level_by_name.keys() | order.blocked.keys() == graph.keys()
    assert not level_by_name.keys() & order.blocked.keys()
    for name, level in level_by_name.items():
        assert all(level_by_name[other] < level for other in given_records[name].manifest.requires)
    for name in order.blocked:
        assert any(other not in level_by_name for other in given_records[name].manifest.requires)
    assert all(list(level) == sorted(level) and level for level in order.levels)
    assert levels(dict(reversed(given_records.items()))) == order
