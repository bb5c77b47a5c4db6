from typing import Any

import pytest
from pydantic import ValidationError

from nexus.config.settings import (
    AuthSettings,
    GlobalSettings,
    HostSettings,
    JobEntry,
    KeySettings,
    ModuleEntry,
    ServerSettings,
)

ISSUER = {"issuer": "https://tenant.eu.auth0.com/", "audience": "https://nexus.example"}


TABLES = (AuthSettings, KeySettings, GlobalSettings, HostSettings, ModuleEntry)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_an_absent_table_is_what_an_empty_one_is_and_would_be_taken_if_it_were_written(table):
    """Its values are not validated at a start, so they have to be good as they stand."""
    absent = table.model_construct()

    assert absent == table.model_validate({})
    assert absent.model_dump() == table.model_validate(absent.model_dump(by_alias=True)).model_dump()


def test_the_defaults_are_the_contract_s():
    settings = HostSettings().global_

    assert (settings.name, settings.base_url, settings.path, settings.auth) == (
        "nexus",
        "http://localhost:3001",
        "/",
        None,
    )
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 3001)
    assert (settings.server.shutdown_grace, settings.server.shutdown_delay) == (30, 0)
    assert (settings.store.url, settings.cache.url) == ("sqlite:///.nexus/nexus.db", "memory://")
    assert (settings.checks.interval, settings.checks.timeout) == (30, 2)
    assert HostSettings().modules == {}
    assert ModuleEntry() == ModuleEntry(enabled=True, required=False, startup_timeout=10, shutdown_timeout=10)


def refused(model: type[Any], **values: object) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(values)
    return " | ".join(error["msg"].removeprefix("Value error, ") for error in caught.value.errors())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("port", -1),
        ("port", 65_536),
        ("port", "x"),
        ("host", ""),
        ("shutdown_grace", -1),
        ("shutdown_grace", float("nan")),
        ("request_timeout", 0),
        ("request_timeout", float("inf")),
        ("max_body_bytes", -1),
        ("max_header_bytes", 10),
        ("max_concurrency", 0),
        ("trusted_proxies", ["10.0.0.0/99"]),
        ("trusted_proxies", ["proxy.example"]),
    ],
)
def test_a_bound_of_the_server_is_kept(key: str, value: object):
    assert refused(ServerSettings, **{key: value})


@pytest.mark.parametrize("path", ["nexus", "/a b", "/../x", "/%2e", "//x//y", "/ä", ""])
def test_a_path_that_is_no_mount_point_is_refused(path: str):
    assert refused(GlobalSettings, path=path) == "is not a mount point: write '/' or for instance '/nexus'"


@pytest.mark.parametrize(
    ("table", "url"),
    [
        ({"server": {"port": 4101}}, "http://localhost:4101"),
        ({"server": {"port": "4101"}}, "http://localhost:4101"),
        ({"server": {"port": 0}}, "http://localhost:3001"),
        ({"server": {"port": 4101}, "base_url": "https://nexus.example"}, "https://nexus.example"),
    ],
)
def test_a_base_url_that_is_not_given_has_the_hosts_port(table: dict[str, object], url: str):
    assert GlobalSettings.model_validate(table).base_url == url


@pytest.mark.parametrize("url", ["localhost", "ftp://x", "http://", "http://u:p@x", "http://x?y", "https://x#y"])
def test_a_base_url_that_is_none_is_refused(url: str):
    assert refused(GlobalSettings, base_url=url)


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "HS512", "RS1", "", "rs256"])
def test_only_asymmetric_algorithms_are_accepted(algorithm: str):
    message = refused(AuthSettings, **ISSUER, algorithms=["RS256", algorithm])

    assert message.startswith("only asymmetric algorithms are accepted: use some of ES256, ")
    assert refused(AuthSettings, **ISSUER, algorithms=[])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"issuer": "http://issuer.example/"}, "does not use https: only a loopback address may use http"),
        ({"issuer": "issuer"}, "is not a plain URL: write scheme, host and path, without user, query or fragment"),
        ({"issuer": "https://[::1"}, "is not a URL: write for instance 'https://tenant.eu.auth0.com/'"),
        ({"issuer": "https://u:p@issuer.example/"}, "is not a plain URL: write scheme, host and path, without user,"),
        ({"jwks_uri": "http://keys.example/"}, "does not use https: only a loopback address may use http"),
        ({"audience": None}, "'audience' is missing: an issuer's tokens are checked for both 'issuer' and 'audience'"),
        ({"issuer": None}, "'issuer' is missing: an issuer's tokens are checked for both 'issuer' and 'audience'"),
        ({"issuers": [ISSUER]}, "'issuer' and 'issuers' are both given: keep one of the two forms"),
        ({"profile": "cognito"}, "Cognito's tokens name no audience: list the accepted app clients in 'clients'"),
        (
            {"profile": "entra", "issuer": "https://login.microsoftonline.com/common/v2.0"},
            "a multi-tenant Entra issuer takes tokens of every tenant: list yours in 'tenants'",
        ),
        ({"permission": "an admin"}, "is no permission: write up to 255 ASCII characters without blanks"),
        ({"leeway": 301}, "Input should be less than or equal to 300"),
        ({"keys": {"ttl": 7200}}, "'ttl' lies outside 'min_ttl' to 'max_ttl': bring the three into order"),
    ],
)
def test_auth_settings_that_would_open_a_door_are_refused(changes: dict[str, object], sentence: str):
    assert sentence in refused(AuthSettings, **{**ISSUER, **changes})


def test_a_missing_audience_is_told_beside_a_wrong_issuer():
    with pytest.raises(ValidationError) as caught:
        AuthSettings.model_validate({"issuer": "http://issuer.example/", "leeway": 301})

    assert [error["loc"] for error in caught.value.errors()] == [("leeway",), ("issuer",), ("audience",)]


@pytest.mark.parametrize(
    ("tables", "places"),
    [
        ({"auth": {**ISSUER, "issuers": [ISSUER]}}, {"auth.issuers"}),
        ({"auth": {**ISSUER, "profile": "cognito"}}, {"auth.issuer"}),
        ({"auth": {"issuers": [{**ISSUER, "profile": "cognito"}]}}, {"auth.issuers.0.issuer"}),
        ({"auth": {**ISSUER, "keys": {"ttl": 7200, "first_retry": 90}}}, {"auth.keys.max_ttl", "auth.keys.last_retry"}),
        ({"ui": {"client_id": "pages"}}, {"ui"}),
        ({"auth": {**ISSUER, "profile": "nope"}, "ui": {"client_id": "pages"}}, {"auth.profile"}),
        ({"auth": {**ISSUER, "profile": "cognito", "clients": [1]}}, {"auth.clients.0"}),
    ],
    ids=["forms", "profile", "listed", "order", "pages", "of-wrong-issuer", "of-wrong-clients"],
)
def test_a_rule_between_keys_is_told_beside_other_mistakes_where_its_own_keys_are_right(tables, places):
    with pytest.raises(ValidationError) as caught:
        GlobalSettings.model_validate({"server": {"port": "many"}, **tables, "log": {"level": "loud"}})

    told = {".".join(map(str, error["loc"])) for error in caught.value.errors()}
    assert told == {"server.port", "log.level", *places}


def test_one_issuer_may_be_listed_once_only():
    assert refused(AuthSettings, issuers=[ISSUER, ISSUER]) == "an issuer is listed twice: keep one table for each"


@pytest.mark.parametrize("issuer", ["http://localhost:9000/", "http://127.0.0.1/", "http://[::1]:80/x"])
def test_an_issuer_on_loopback_may_use_http(issuer: str):
    assert AuthSettings(issuer=issuer, audience="a").all_issuers()[0].issuer == issuer


def test_one_issuer_and_many_give_the_same_list():
    one = AuthSettings.model_validate({**ISSUER, "leeway": 5, "clients": ["c"]})
    many = AuthSettings.model_validate({"issuers": [{**ISSUER, "leeway": 5, "clients": ["c"]}]})

    assert one.all_issuers() == many.all_issuers()
    assert AuthSettings(local=True).all_issuers() == ()


def test_the_spelling_of_switchboard_is_read_for_every_key():
    snake = {"jwks_uri": "https://k/", "max_token_bytes": 4096, "keys": {"max_stale": 5, "connect_timeout": 1}}
    camel = {"jwksUri": "https://k/", "maxTokenBytes": 4096, "keys": {"maxStale": 5, "connectTimeout": 1}}

    assert AuthSettings.model_validate({**ISSUER, **snake}) == AuthSettings.model_validate({**ISSUER, **camel})


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"schedule": "* * *"}, "is not a cron schedule: write 5 fields, or 6 with seconds first, as in '0 8 * * 5'"),
        ({"timezone": "Mars/Olympus"}, "is not a time zone: write an IANA name such as 'Europe/Berlin'"),
        ({"timezone": "../../etc/passwd"}, "is not a time zone: write an IANA name such as 'Europe/Berlin'"),
        ({"attempts": 0}, "Input should be greater than or equal to 1"),
    ],
)
def test_a_job_that_could_never_run_is_refused(values: dict[str, object], sentence: str):
    assert refused(JobEntry, type="sweep", **values) == sentence


@pytest.mark.parametrize("name", ["", "a/b", "a b", "ä", "7", "x" * 65, "a?b", "a\n"])
def test_a_name_that_is_no_segment_of_a_url_is_refused(name: str):
    told = "is not usable in a URL: use up to 64 letters, digits and '.:_-', a letter first"
    assert refused(JobEntry, type="sweep", name=name) == told


def test_jobs_of_one_module_have_names_of_their_own():
    assert ModuleEntry.model_validate({"jobs": [{"type": "a"}, {"type": "a", "name": "b"}]}).jobs[1].name == "b"
    assert refused(ModuleEntry, jobs=[{"type": "a"}, {"type": "b", "name": "a"}]) == (
        "has two jobs of one name: give each entry of one type a 'name' of its own"
    )


def test_settings_do_not_change():
    with pytest.raises(ValidationError, match="frozen"):
        HostSettings().global_.name = "x"  # type: ignore[misc]
