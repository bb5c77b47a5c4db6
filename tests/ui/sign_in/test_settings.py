"""Settings of sign-in that contradict others are told before the host starts."""

import pytest

from nexus.config.host_binding import bind_host
from nexus.config.loading import Loaded
from nexus.config.scrubber import Scrubber
from nexus.config.tree import Tree

AUTH = {"issuer": "https://issuer.example/", "audience": "https://nexus.example"}
TWO = {"issuers": [AUTH, {"issuer": "https://other.example/", "audience": "https://nexus.example"}]}


def bound(tmp_path, **tables):
    tree, scrubber = Tree(), Scrubber()
    tree.merge({"global": tables}, {})
    return bind_host(Loaded(tree, (), (), tmp_path), scrubber), scrubber


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ({"ui": {"client_id": "pages"}}, "'ui.client_id' is for an issuer, and 'auth' has none"),
        ({"auth": TWO, "ui": {"client_id": "pages"}}, "'auth' has several issuers: say in 'ui.issuer'"),
        ({"auth": AUTH, "ui": {"client_id": "pages", "issuer": "https://x.example/"}}, "is none of the issuers"),
        ({"auth": AUTH, "ui": {"client_id": "https://nexus.example"}}, "is an audience of 'auth' too"),
        ({"auth": AUTH, "ui": {"client_id": "pages", "scopes": ["profile"]}}, "lacks 'openid'"),
        ({"auth": AUTH, "ui": {"client_id": "pages", "scopes": ["openid", "a b"]}}, "is no scope"),
        ({"ui": {"idle_timeout": 1}}, "60"),
        ({"ui": {"idle_timout": 100}}, "idle_timeout"),
    ],
)
def test_what_cannot_be_meant_is_told(tmp_path, tables, told):
    result, _ = bound(tmp_path, **tables)

    assert result.value is None
    assert told in " ".join(problem.message for problem in result.problems)


def test_the_secret_of_the_client_is_a_secret(tmp_path):
    result, scrubber = bound(tmp_path, auth=AUTH, ui={"client_id": "pages", "client_secret": "s3cret-of-the-pages"})

    assert "s3cret" not in repr(result.value)
    assert scrubber.scrub("x s3cret-of-the-pages y") == "x ****** y"


def test_one_of_several_issuers_is_named(tmp_path):
    result, _ = bound(tmp_path, auth=TWO, ui={"client_id": "pages", "issuer": "https://other.example/"})

    assert result.value is not None
