import re
from collections.abc import Iterable
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.http.bound_route import BoundRoute
from nexus.http.inflight import Load
from nexus.http.route_table import RouteTable
from nexus.spec.access import PROTECTED
from nexus.spec.route import compile_template

METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
LITERALS = st.sampled_from(["a", "b", "up", "A", "a.b", "%2e", "a;x", ""])
PARAMETERS = st.sampled_from(
    ["{p0}", "{p1}", "v{p0}", "{p1}.json", r"{p0:\d+}", "{p1:.*}", "{p0:[^/]+}", r"{p1:[a-z]{1,2}}"]
)
TEMPLATES = (
    st.lists(st.one_of(LITERALS, PARAMETERS), min_size=1, max_size=4)
    .map(lambda parts: "/" + "/".join(parts))
    .filter(lambda path: path.count("p0") < 2 and path.count("p1") < 2)
)
PATHS = st.lists(
    st.sampled_from(["a", "b", "up", "A", "a.b", "%2e", "a;x", "", "vx", "x.json", "12", "%41", "..", "."]),
    min_size=0,
    max_size=5,
).map(lambda parts: "/" + "/".join(parts))
ROUTES = st.lists(st.tuples(st.sampled_from(METHODS), TEMPLATES), max_size=12, unique=True)


async def nothing(request):
    raise AssertionError


def bound(method: str, path: str, module: str | None = None) -> BoundRoute:
    return BoundRoute(method=method, template=path, call=nothing, access=PROTECTED, load=Load(1), module=module)


def table_of(routes: Iterable[tuple[str, str]]) -> RouteTable:
    return RouteTable((path, bound(method, path)) for method, path in routes)


def naive(routes: list[tuple[str, str]], wanted: str, path: str) -> tuple[str, str, dict[str, str]] | None:
    """What is promised, as a loop: static before templated, then in the order in which templates were declared."""
    paths = list(dict.fromkeys(template for _, template in routes))
    paths.sort(key=lambda template: "{" in template)
    for template in paths:
        pattern = compile_template(template)
        matched = re.fullmatch(pattern, path) if pattern else template == path
        if not matched:
            continue
        values = {name: unquote(value) for name, value in matched.groupdict().items()} if pattern else {}
        for method in (wanted, "GET") if wanted == "HEAD" else (wanted,):
            if (method, template) in routes:
                return method, template, values
    return None


@given(routes=ROUTES, wanted=st.sampled_from(METHODS), path=PATHS)
def test_every_path_reaches_the_route_that_a_plain_search_finds(routes, wanted, path):
    found = table_of(routes).find(wanted, path)

    told = None if found is None else (found[0].method, found[0].template, found[1])
    assert told == naive(routes, wanted, path)


@given(routes=ROUTES, path=PATHS)
def test_the_methods_told_for_a_path_are_those_that_answer_there(routes, path):
    table = table_of(routes)

    methods = table.methods_at(path)

    assert {method for method in METHODS if table.find(method, path)} == set(methods)
    assert all(table.find(method, path)[0] is route for method, route in methods.items())


@pytest.mark.parametrize("declared", ["/größe", "/a b", "/größe/{x}"])
def test_a_declared_path_with_characters_that_urls_cannot_hold_is_reached_percent_encoded(declared):
    table = table_of([("GET", declared)])

    asked = declared.replace("ö", "%C3%B6").replace("ß", "%C3%9F").replace(" ", "%20").replace("{x}", "1")

    assert table.find("GET", asked) is not None


def test_a_parameter_is_decoded_once_and_after_matching():
    table = table_of([("GET", "/{name}")])

    assert table.find("GET", "/a%2Fb")[1] == {"name": "a/b"}
    assert table.find("GET", "/a%252Fb")[1] == {"name": "a%2Fb"}
    assert table.find("GET", "/a/b") is None


@pytest.mark.parametrize("template", ["/r{i}", "/r{i}/{{id}}", "/{{id}}/r{i}", "/r{i}/{{rest:.*}}"])
def test_looking_up_one_of_ten_thousand_routes_tries_one_template(template):
    paths = [template.replace("{i}", str(i)).replace("{{", "{").replace("}}", "}") for i in range(10_000)]
    table = table_of(("GET", path) for path in paths)
    last = paths[-1].replace("{id}", "x").replace("{rest:.*}", "x")

    assert len(list(table._templates_of(last))) <= 1
    assert table.find("GET", last)[0].template == paths[-1]
