"""Where sign-in leads to: row L1 of the attack list."""

from urllib.parse import quote, urljoin, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nexus.ui.sign_in.return_path import safe_return_path

from .conftest import to_issuer

EVIL = [
    "//evil.example",
    "///evil.example",
    "////evil.example/ui",
    "/\\evil.example",
    "\\\\evil.example",
    "/\\/evil.example",
    "/%2f/evil.example",
    "/%2F%2Fevil.example",
    "/%5cevil.example",
    "http://evil.example/ui",
    "https://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "http:///evil.example",
    "HTTPS://evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "mailto:x@evil.example",
    "/ui@evil.example",
    "@evil.example",
    "/ui/@evil.example/..//evil.example",
    "/ui//evil.example",
    "/ui/\\evil.example",
    "/ui/..//evil.example",
    "/ui/../../evil",
    "/ui/%2e%2e/x",
    "/ui/%2E%2E%2Fx",
    "/ui/.%2e/x",
    "/ui/./x",
    "/ui/..",
    "/ui/x/.",
    "/ui/%2f%2fevil.example",
    "/ui/%5c%5cevil.example",
    "/ui/%09/x",
    "/ui/%0d%0aSet-Cookie:x=y",
    "/ui/\t/x",
    "/ui\n",
    "\t/ui",
    " /ui",
    "/ui ",
    "/ui/x y",
    "/ui/%00",
    "/ui/\x00",
    "/ui/ä",
    "/ui/%ff",
    "/uix",
    "/UI",
    "/u",
    "/",
    "",
    "ui",
    "./ui",
    "../ui",
    "/api/version",
    "/m/hello",
    "/ui.evil.example",
    "/ui;@evil.example",
    "?to=/ui",
    "#/ui",
    "/ui#//evil.example",
    "/ui/#x",
    "/ui/sign-in",
    "/ui/sign-in?to=//evil.example",
    "/ui/sign-out",
    "/ui/link?code=x",
    "/ui/callback?code=x",
    "/ui/%73ign-in",
    "/ui?x=<script>",
    "/ui?x=\\",
    "/ui?x=\r\n",
    "/ui/" + "a" * 3000,
    "//localhost/ui",
    "http:/ui",
    "/ui/\u2025/x",
    "/\u2044evil",
    "\u3002\u3002/evil",
    "//\u3002evil.example",
    "/ui/%252e%252e/%5c",
    "/ui/%c0%ae%c0%ae/x",
    "https://127.0.0.1/ui",
]

GOOD = [
    "/ui",
    "/ui/modules",
    "/ui/modules/hello",
    "/ui/modules?state=failed&page=2",
    "/ui/runs/a-b_c.d~e",
    "/ui?a=%2F%2Fx",
]


@pytest.mark.parametrize("to", EVIL, ids=[f"L1-{number}" for number in range(len(EVIL))])
async def test_l1_sign_in_leads_to_no_other_place(host, browser, signed_in, to):
    await signed_in(browser, host)

    page = await browser.get(f"{host.url}/ui/sign-in?to={quote(to.encode('utf-8'), safe='')}", follow=False)

    assert (page.status, page.headers["Location"]) == (303, "/ui")


async def test_l1_the_way_by_the_issuer_is_as_safe(site, browser, issuer):
    for number, to in enumerate(EVIL):
        way_back = issuer.grant(await to_issuer(browser, site, to=to), code=f"code-{number}")
        page = await browser.send("GET", way_back, sender=issuer.url, follow=False)
        assert (page.status, page.headers["Location"]) == (303, "/ui"), to


@pytest.mark.parametrize("to", GOOD)
async def test_a_page_of_the_host_is_where_sign_in_leads_to(host, browser, signed_in, to):
    await signed_in(browser, host)

    page = await browser.get(f"{host.url}/ui/sign-in?to={quote(to, safe='')}", follow=False)

    assert page.headers["Location"] == to


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(["/ui", "/tools/nexus/ui"]),
    st.lists(
        st.sampled_from(
            [
                "/",
                "\\",
                "ui",
                "tools",
                "..",
                ".",
                "%2e",
                "%2f",
                "%5c",
                "evil.example",
                ":",
                "@",
                "?",
                "#",
                "http",
                "\t",
                "\n",
                ";",
                "a",
            ]
        )
    ),
    st.booleans(),
)
@example("/ui", ["/", "/", "evil.example"], False)
def test_l1_whatever_is_asked_for_the_answer_is_a_page_of_this_host(base, pieces, from_base):
    wanted = (base if from_base else "") + "".join(pieces)

    given = safe_return_path(wanted, base)

    target = urlsplit(urljoin("http://nexus.example/x", given))
    assert target.netloc == "nexus.example"
    assert target.path == base or target.path.startswith(f"{base}/")
