"""What modules add to the dashboard: shown, escaped, bounded, and harmless where it fails."""

import asyncio
import re
from datetime import UTC, datetime

import pytest

import nexus
from nexus.spec.errors import InvalidDeclaration
from nexus.testing.running_host import running_host
from tests.ui.signed_in import signed_in, text_of


def module_with(template, data, **options):
    module = nexus.Module("lamps", version="1")
    module.panel("lamps", title="All lamps", template=template, **options)(data)
    return module


async def shown(tmp_path, template, data, path="/ui/modules/lamps", **options):
    async with running_host(module_with(template, data, **options), state_dir=tmp_path) as host:
        answer = await signed_in(host).get(path)
        assert answer.status == 200
        return answer


async def test_a_panel_is_shown_on_the_page_of_its_module(tmp_path):
    async def data(context):
        return {"name": context.logger.extra["module_name"], "since": datetime(2026, 1, 31, 8, tzinfo=UTC)}

    page = await shown(tmp_path, "<p>{{ name }} {{ since|exact }} {{ state('up') }} {{ strip(['up']) }}</p>", data)

    assert "All lamps lamps 31 Jan 2026, 08:00:00 UTC up" in text_of(page)
    assert 'aria-label="1 up."' in page.text


async def test_a_module_has_pages_of_its_own(tmp_path):
    async def data(_context):
        return {"count": 3}

    template = "<p>There are {{ count|plural('lamp') }}.</p>"
    async with running_host(module_with(template, data, place="page"), state_dir=tmp_path) as host:
        ada = signed_in(host)
        link = 'href="/ui/modules/lamps/pages/lamps"'
        assert link in (await ada.get("/ui/modules/lamps")).text
        page = await ada.get("/ui/modules/lamps/pages/lamps")
        assert "There are 3 lamps." in text_of(page)
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert (await ada.get("/ui/modules/lamps/pages/others")).status == 404


@pytest.mark.parametrize(
    "template",
    [
        "{{ text }}",
        "{{ text|safe }}",
        "{% autoescape false %}{{ text }}{% endautoescape %}",
        "{{ text|map('safe')|join }}",
        "{{ state('up', text) }}",
        "{{ strip([{'state': text, 'told': text}]) }}",
        "<i title='{{ text }}'></i>",
    ],
)
async def test_nothing_switches_escaping_off(tmp_path, template):
    async def data(_context):
        return {"text": "<script>alert(1)</script>'\""}

    page = await shown(tmp_path, template, data)

    assert "<script>alert" not in page.text
    assert "title='<" not in page.text


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ host.settings }}",
        "{{ viewer.csrf_token }}",
        "{{ href.__globals__ }}",
        "{{ strip.__globals__ }}",
        "{% include 'base.html' %}",
        "{% for _ in range(99999999) %}x{% endfor %}",
        "{{ missing.deeply }}",
        "{% broken",
    ],
)
async def test_a_template_that_reaches_out_or_fails_is_told_in_its_place(tmp_path, template):
    async def data(_context):
        return {}

    page = await shown(tmp_path, template, data)

    assert "This part cannot be shown." in text_of(page)
    assert "Routes" in text_of(page)


@pytest.mark.parametrize("given", [None, ["a list"], {"object": object()}, {"much": "x" * 1_000_001}])
async def test_data_that_cannot_be_shown_is_told_in_its_place(tmp_path, given):
    async def data(_context):
        return given

    assert "This part cannot be shown." in text_of(await shown(tmp_path, "{{ much }}", data))


@pytest.mark.parametrize("error", [RuntimeError("the lamps are out"), SystemExit(3), asyncio.CancelledError()])
async def test_data_that_raises_takes_nothing_from_the_page(tmp_path, error):
    async def data(_context):
        raise error

    page = await shown(tmp_path, "", data)

    assert "This part cannot be shown." in text_of(page)


async def test_a_secret_in_the_data_is_masked(tmp_path):
    async def data(_context):
        return {"told": "the key is canary-of-the-lamp", "number": 12345678}

    module = module_with("{{ told }} {{ number }}", data)
    async with running_host(module, state_dir=tmp_path) as host:
        host.host.scrubber.register("canary-of-the-lamp")
        host.host.scrubber.register("12345678")
        page = await signed_in(host).get("/ui/modules/lamps")
        assert "canary" not in page.text
        assert "12345678" not in page.text


async def test_a_module_that_does_not_serve_says_so(tmp_path):
    async def data(_context):
        return {}

    module = module_with("x", data)

    @module.startup
    async def fail(_context):
        raise RuntimeError("no current")

    async with running_host(module, state_dir=tmp_path) as host:
        assert "does not serve just now" in text_of(await signed_in(host).get("/ui/modules/lamps"))


def test_a_panel_that_cannot_be_shown_is_refused_at_its_declaration():
    async def data(_context):
        return {}

    module = module_with("x", data)
    with pytest.raises(InvalidDeclaration, match="twice"):
        module.panel("lamps", title="Again", template="x")(data)
    for wrong in ({"title": " "}, {"template": "x" * 100_001}, {"place": "side"}, {"name": "no name"}):
        with pytest.raises(InvalidDeclaration):
            nexus.Panel(**{"name": "lamps", "title": "Lamps", "template": "x", "data": data, **wrong})


async def test_what_happens_while_a_page_is_made_is_told_to_it_again(tmp_path):
    async def data(context):
        # After the page's data has been read, and before it is sent.
        context.events.publish("moved", {})
        return {}

    async with running_host(module_with("<p>There.</p>", data), state_dir=tmp_path) as host:
        page = await signed_in(host).get("/ui/modules/lamps")

        since = int(re.search(r"since=(\d+)", page.text)[1])
        assert since < host.host.events.last_id
