"""What an author may declare, and how a wrong declaration is refused at the line that makes it."""

import pytest
from pydantic import BaseModel

import nexus
from nexus.spec.route import compile_template


class Settings(BaseModel):
    greeting: str = "hello"


@pytest.fixture
def module():
    return nexus.Module("greeter", version="1.0.0", settings=Settings)


async def handler(request):
    """Say something.

    At length.
    """


def test_a_route_is_protected_unless_it_says_otherwise(module):
    module.get("/a")(handler)
    module.get("/b", access=nexus.PUBLIC)(handler)
    module.post("/c", permissions={"write"})(handler)

    a, b, c = module.nexus_routes()

    assert a.access == nexus.PROTECTED
    assert b.access.is_public
    assert not c.access.is_public
    assert c.access.permissions == {"write"}


def test_a_route_takes_its_summary_from_the_docstrings_first_line(module):
    module.get("/a")(handler)

    assert module.nexus_routes()[0].summary == "Say something."


@pytest.mark.parametrize(
    ("declare", "says"),
    [
        (lambda m: m.get("a")(handler), "does not start with '/'"),
        (lambda m: m.route("BREW", "/a")(handler), "method 'BREW'"),
        (lambda m: m.get("/{a")(handler), "brace without its partner"),
        (lambda m: m.get("/{a}/{a}")(handler), "the name 'a' twice"),
        (lambda m: m.get("/{a:[}")(handler), "does not compile"),
        (lambda m: m.get("/a")(lambda request: None), "not an 'async def'"),
        (lambda m: m.get("/a", access=nexus.PUBLIC, permissions={"x"})(handler), "choose one"),
        (lambda m: m.get("/a", access="public")(handler), "has access 'public': use nexus.PUBLIC"),
        (lambda m: m.get("/a", access="public", permissions={"x"})(handler), "has access 'public': use nexus.PUBLIC"),
        (lambda m: m.get("/a", access=None)(handler), "has access None"),
        (lambda m: m.get("/a", permissions="admin")(handler), "write {'admin'}"),
        (lambda m: m.get("/a", permissions=["a b"])(handler), "permission 'a b' is no word"),
        (lambda m: m.get("/a", permissions=[1])(handler), "permission 1 is no word"),
        (lambda m: m.get("/a", permissions={'a"b'})(handler), "without blanks, quotes and backslashes"),
        (lambda m: m.get("/a", permissions={"a\r\nb"})(handler), "is no word"),
        (lambda m: m.get("/a?x=1")(handler), "read what follows '[?]' in the handler"),
        (lambda m: m.get("/a#b")(handler), "has a query or fragment"),
        (lambda m: nexus.Module("greeter", version="1", requires="till"), "write a set of texts"),
        (lambda m: nexus.Module("greeter", version="1", after="till"), "write a set of texts"),
        (lambda m: nexus.Access("open"), "access 'open' is unknown"),
        (lambda m: nexus.Access("public", frozenset({"x"})), "choose one"),
        (lambda m: [m.get("/a")(handler) for _ in range(2)], "declares GET /a twice"),
        (lambda m: [m.check("disk")(handler) for _ in range(2)], "check 'disk' twice"),
        (lambda m: [m.job("sweep")(handler) for _ in range(2)], "job 'sweep' twice"),
        (lambda m: m.check("no spaces")(handler), "check name 'no spaces'"),
        (lambda m: m.check("disk", timeout=0)(handler), "timeout 0"),
        (lambda m: m.job("sweep", timeout=-1)(handler), "timeout -1"),
        (lambda m: m.job("sweep", attempts=0)(handler), "attempts 0"),
        (lambda m: nexus.Module("Greeter", version="1"), "module name 'Greeter'"),
        (lambda m: nexus.Module("greeter", version="1", requires={"greeter"}), "requires itself"),
        (lambda m: nexus.Module("greeter", version="1", host_api="one"), "not a version range"),
    ],
)
def test_a_wrong_declaration_is_refused_in_a_sentence_that_tells_the_remedy(module, declare, says):
    with pytest.raises(nexus.InvalidDeclaration, match=says):
        declare(module)


def test_a_template_matches_whole_segments_only():
    pattern = compile_template("/items/{item}/parts/{part:[0-9]{1,3}}")

    assert pattern.fullmatch("/items/a/parts/12").groupdict() == {"item": "a", "part": "12"}
    assert pattern.fullmatch("/items/a/b/parts/12") is None
    assert pattern.fullmatch("/items/a/parts/1234") is None
    assert compile_template("/items") is None


async def test_start_functions_run_in_order_and_stop_functions_in_reverse(module):
    done = []
    module.startup(_recorder(done, "start 1"))
    module.shutdown(_recorder(done, "stop 1"))
    module.startup(_recorder(done, "start 2"))
    module.shutdown(_recorder(done, "stop 2"))

    async with module.nexus_lifespan(context=None):
        done.append("serves")

    assert done == ["start 1", "start 2", "serves", "stop 2", "stop 1"]


async def test_what_a_lifespan_opened_is_closed_when_a_later_start_function_fails(module):
    done = []

    @module.lifespan
    async def connection(context):
        done.append("open")
        try:
            yield
        finally:
            done.append("closed")

    @module.startup
    async def fail(context):
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError):
        await module.nexus_lifespan(context=None).__aenter__()

    assert done == ["open", "closed"]


def test_every_promised_name_is_there():
    for name in nexus.__all__:
        assert getattr(nexus, name) is not None, name


def test_a_name_that_is_not_promised_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'plugin'"):
        nexus.plugin  # noqa: B018


def test_a_problem_is_an_error_status():
    with pytest.raises(ValueError, match="not 200"):
        nexus.Problem(200)


def _recorder(done, entry):
    async def record(context):
        done.append(entry)

    return record
