"""The PostgreSQL that tests get: real, their own, and the same after a restart."""

import psycopg
import pytest

from tests import postgres as real_postgres


def test_the_server_lets_in_an_ordinary_role_by_its_password(postgres):
    with psycopg.connect(postgres.url) as connection:
        row = connection.execute("SELECT current_user, current_database(), current_setting('is_superuser')").fetchone()

    assert row == ("nexus", "nexus", "off")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.url, password="wrong")


@pytest.mark.parametrize("immediate", [False, True])
def test_a_restart_keeps_port_and_data(postgres, immediate):
    url = postgres.fresh_database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS number")

    try:
        postgres.stop(immediate=immediate)
        with pytest.raises(psycopg.OperationalError, match="refused"):
            psycopg.connect(url)
    finally:
        postgres.start()

    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(1,)]


def test_what_is_open_during_a_restart_is_cut_off(postgres):
    with psycopg.connect(postgres.url) as connection:
        postgres.restart()

        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_fresh_databases_are_empty_and_apart(postgres):
    one, two = postgres.fresh_database(), postgres.fresh_database()
    with psycopg.connect(one) as first, psycopg.connect(two) as second:
        for connection in (first, second):
            connection.execute("CREATE TABLE own (number int)")
        first.execute("INSERT INTO own VALUES (1)")
        first.commit()

        assert one != two
        assert second.execute("SELECT * FROM own").fetchall() == []


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_without_a_server_tests_are_skipped_but_never_in_ci(monkeypatch, ci, outcome):
    monkeypatch.setattr(real_postgres, "PLACES", ())
    monkeypatch.setenv("CI", ci)

    with pytest.raises(outcome, match="postgresql is not installed"):
        real_postgres.installed()
