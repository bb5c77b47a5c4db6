"""The store of sign-in, on both databases: what it keeps, for how long, and how much of it."""

import os
import signal
import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from nexus.config.settings import StoreSettings
from nexus.ui.sign_in import attempt, link, session
from nexus.ui.sign_in.database import SessionsUnavailable, open_database
from nexus.ui.sign_in.session import Person

NOW = 1_800_000_000.0
ADA = Person(subject="ada", issuer="urn:issuer", name="Ada", may_act=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request):
    if request.param == "postgresql":
        return StoreSettings(url=request.getfixturevalue("postgres").fresh_database())
    return StoreSettings()


@pytest.fixture
def database(store, tmp_path):
    database = open_database(store, tmp_path)
    yield database
    database.close()


def begun(database, person=ADA, *, now=NOW, idle=1800.0, lifetime=43_200.0, user_agent="Browser/1"):
    return session.begin(database, person, now=now, idle=idle, lifetime=lifetime, user_agent=user_agent)


def rows(database, table):
    return database.run(f"SELECT * FROM {table}", {})


def test_a_session_is_found_by_its_secret_and_listed_by_its_name(database):
    secret, made = begun(database)

    assert session.find(database, secret, now=NOW + 1) == made
    assert session.alive(database, now=NOW + 1) == [made]
    assert made.person == ADA
    assert made.name not in secret


def test_nothing_that_opens_a_session_is_stored(database):
    secret, _ = begun(database)
    code = link.make(database, issuer="urn:local", now=NOW)
    browser = session.new_secret()
    state, _ = attempt.begin(database, browser=browser, return_path="/ui", now=NOW)

    stored = [rows(database, table) for table in ("nexus_sessions", "nexus_sign_in_links", "nexus_sign_in_attempts")]
    for hidden in (secret, code, browser, state):
        assert hidden not in repr(stored)


def test_a_session_that_is_used_lives_on_until_its_end(database):
    secret, _ = begun(database, idle=600, lifetime=2000)

    for now in (500, 1000, 1500, 1999):
        assert session.find(database, secret, now=NOW + now) is not None
    assert session.find(database, secret, now=NOW + 2000) is None


def test_a_session_that_is_not_used_ends(database):
    secret, _ = begun(database, idle=600)

    assert session.find(database, secret, now=NOW + 599, is_use=False) is not None
    assert session.find(database, secret, now=NOW + 600) is None
    assert session.alive(database, now=NOW + 600) == []


def test_sessions_that_have_ended_are_removed(database):
    for number in range(5):
        begun(database, now=NOW + number, lifetime=60)
    begun(database, now=NOW + 1000)

    assert len(rows(database, "nexus_sessions")) == 1


def test_there_are_never_more_than_so_many_sessions(database, monkeypatch):
    monkeypatch.setattr(session, "MAX_SESSIONS", 3)
    secrets = [begun(database, now=NOW + number)[0] for number in range(6)]

    alive = [session.find(database, secret, now=NOW + 10) is not None for secret in secrets]
    assert alive == [False] * 3 + [True] * 3


def test_a_session_is_ended_once(database):
    secret, made = begun(database)

    assert session.end(database, made.name) is True
    assert session.end(database, made.name) is False
    assert session.find(database, secret, now=NOW) is None
    assert session.end(database, "' OR 1=1 --") is False


def test_what_is_no_secret_finds_nothing(database):
    begun(database)

    for wrong in ("", "x", "A" * 43, "A" * 42, "ä" * 43, "A" * 43 + "\n", "%' OR '1'='1"):
        assert session.find(database, wrong, now=NOW) is None


def test_a_name_and_a_browser_are_kept_short_and_printable(database):
    person = Person(subject="s" * 1000, issuer="urn:issuer", name="\x1b[31mA\u202eda\n" + "a" * 1000, may_act=False)
    _, made = begun(database, person, user_agent="B\x00rowser" + "b" * 1000)

    assert made.person.name.startswith("[31mAda")
    assert len(made.person.name) == 255
    assert len(made.user_agent) == 120
    assert made.user_agent.startswith("Browser")
    assert session.alive(database, now=NOW) == [made]


def test_a_name_of_nothing_printable_is_the_subject(database):
    _, made = begun(database, Person(subject="ada", issuer="urn:issuer", name="\n\t ", may_act=False))

    assert made.person.name == "ada"


def test_a_link_lets_one_in_within_ten_minutes(database):
    soon, late = (link.make(database, issuer="urn:local", now=NOW, subject="root") for _ in range(2))

    assert link.consume(database, soon, now=NOW + 599) == Person(
        subject="root", issuer="urn:local", name="root", may_act=True
    )
    assert link.consume(database, soon, now=NOW + 599) is None
    assert link.consume(database, late, now=NOW + 600) is None


def test_of_many_threads_one_uses_a_link(database):
    code = link.make(database, issuer="urn:local", now=NOW)
    ready = threading.Barrier(8)

    def use(_number):
        ready.wait(60)
        return link.consume(database, code, now=NOW)

    with ThreadPoolExecutor(8) as threads:
        assert len([person for person in threads.map(use, range(8)) if person]) == 1


@pytest.mark.parametrize(
    ("make", "bound", "table"),
    [
        (partial(link.make, issuer="urn:local"), (link, "_MAX_LINKS"), "nexus_sign_in_links"),
        (
            partial(attempt.begin, browser="b" * 43, return_path="/ui"),
            (attempt, "MAX_ATTEMPTS"),
            "nexus_sign_in_attempts",
        ),
    ],
    ids=["links", "attempts"],
)
def test_links_and_attempts_are_few_and_short_lived(database, monkeypatch, make, bound, table):
    monkeypatch.setattr(*bound, 3)
    for number in range(6):
        make(database, now=NOW + number)
    assert len(rows(database, table)) == 3
    make(database, now=NOW + 1000)
    assert len(rows(database, table)) == 1


def test_two_hosts_that_start_together_make_the_tables_once(store, tmp_path):
    with ThreadPoolExecutor(4) as threads:
        opened = list(threads.map(lambda _: open_database(store, tmp_path), range(4)))

    secret, made = begun(opened[0])
    assert all(session.find(each, secret, now=NOW) == made for each in opened)
    for each in opened:
        each.close()


def test_a_session_outlasts_the_host(store, tmp_path):
    first = open_database(store, tmp_path)
    secret, made = begun(first)
    first.close()

    again = open_database(store, tmp_path)
    assert session.find(again, secret, now=NOW) == made
    again.close()


def test_a_server_that_comes_back_is_used_again(postgres, tmp_path):
    database = open_database(StoreSettings(url=postgres.fresh_database()), tmp_path)
    secret, made = begun(database)

    postgres.restart()
    assert session.find(database, secret, now=NOW) == made
    postgres.stop()
    try:
        with pytest.raises(SessionsUnavailable, match="does not answer"):
            session.find(database, secret, now=NOW)
    finally:
        postgres.start()
    assert session.find(database, secret, now=NOW) == made
    database.close()


def test_a_server_that_is_frozen_keeps_no_thread(postgres, tmp_path):
    """A thread that waits for it would keep the process from ending."""
    database = open_database(StoreSettings(url=postgres.fresh_database()), tmp_path)
    with ThreadPoolExecutor(1) as threads:
        ((pid,),) = threads.submit(database.run, "SELECT pg_backend_pid()", {}).result()
        os.kill(pid, signal.SIGSTOP)
        try:
            waiting = threads.submit(database.run, "SELECT 1", {})
            with pytest.raises(TimeoutError):
                waiting.result(0.2)
            database.close()
            with pytest.raises(SessionsUnavailable):
                waiting.result(60)
        finally:
            os.kill(pid, signal.SIGCONT)


def test_a_server_that_is_not_there_is_told_without_its_password(tmp_path):
    with pytest.raises(SessionsUnavailable) as raised:
        open_database(StoreSettings(url="postgresql://nexus:s3cret-canary@127.0.0.1:1/nexus"), tmp_path)

    assert "s3cret-canary" not in str(raised.value)
    assert "see that it is up" in str(raised.value)


def test_the_file_is_for_its_owner_alone_whatever_others_may_usually_do(tmp_path):
    open_database(StoreSettings(), tmp_path).close()
    file = tmp_path / "sessions.db"

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    with pytest.raises(SessionsUnavailable, match="others may read or write it"):
        open_database(StoreSettings(), tmp_path)


def test_a_link_to_another_file_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").touch(0o600)
    (tmp_path / "sessions.db").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(SessionsUnavailable, match=r"sessions\.db"):
        open_database(StoreSettings(), tmp_path)


def test_a_file_that_is_no_database_is_told_with_what_to_do(tmp_path):
    (tmp_path / "sessions.db").touch(0o600)
    (tmp_path / "sessions.db").write_bytes(b"no database, but long enough to look like one" * 100)

    with pytest.raises(SessionsUnavailable, match="or remove it"):
        open_database(StoreSettings(), tmp_path)


def test_a_writer_that_holds_the_file_is_waited_for(tmp_path):
    database = open_database(StoreSettings(), tmp_path)
    other = sqlite3.connect(tmp_path / "sessions.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.2, other.execute, ["COMMIT"])
    timer.start()

    secret, made = begun(database)

    assert session.find(database, secret, now=NOW) == made
    timer.join()
    other.close()
    database.close()
