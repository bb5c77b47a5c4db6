import contextlib
import io
import json
import logging
import os

import pytest

from nexus.config.scrubber import Scrubber
from nexus.http import log_format
from nexus.http.inflight import CURRENT, Inflight
from tests.http.test_route_table import bound

SECRET = "hunter2-hunter2"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def written():
    """Sets up logging into a buffer, and puts the root logger back afterwards."""
    root = logging.getLogger()
    before, level, handlers = list(root.handlers), root.level, []

    def set_up(stream=None, layout="json", level="info"):
        scrubber = Scrubber()
        scrubber.register(SECRET)
        stream = stream if stream is not None else io.StringIO()
        handlers.append(log_format.set_up(level=level, layout=layout, scrubber=scrubber, stream=stream))
        return stream

    yield set_up
    for handler in handlers:
        root.removeHandler(handler)
    root.handlers[:] = before
    root.setLevel(level)


log = logging.getLogger("nexus.test")


def test_the_audit_log_is_written_at_every_level(written):
    stream = written(level="error")

    log.warning("too quiet")
    logging.getLogger("nexus.audit").info("decision")

    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["decision"]


def test_a_line_is_one_json_object_that_knows_its_request_and_module(written):
    stream = written()
    token = CURRENT.set(Inflight("r-1", bound("GET", "/hi", module="hello"), None, 0.0))
    log.info("it\nhappened", extra={"event": "happened", "count": 3})
    CURRENT.reset(token)

    [line] = stream.getvalue().splitlines()
    told = json.loads(line)
    assert told.pop("time").endswith("Z")
    assert told == {
        "level": "info",
        "logger": "nexus.test",
        "message": "it\nhappened",
        "event": "happened",
        "module": "hello",
        "request_id": "r-1",
        "count": 3,
    }


def test_a_known_secret_stands_in_no_line_and_no_traceback(written):
    stream = written()
    try:
        raise RuntimeError(SECRET)
    except RuntimeError:
        log.exception("with %s", SECRET, extra={"given": {"deep": [SECRET]}})

    text = stream.getvalue()
    assert SECRET not in text
    assert "RuntimeError: ******" in json.loads(text)["exception"]


@pytest.mark.parametrize(
    ("stream", "layout", "is_json"),
    [(io.StringIO, "auto", True), (Terminal, "auto", False), (Terminal, "json", True), (io.StringIO, "text", False)],
)
def test_lines_are_json_where_no_human_looks(written, stream, layout, is_json):
    stream = written(stream(), layout)
    log.warning("look")

    assert stream.getvalue().startswith("{") is is_json


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_no_color_is_honoured(written, monkeypatch, no_color, coloured):
    monkeypatch.setenv("NO_COLOR", no_color)
    stream = written(Terminal(), "text")
    log.warning("look")

    assert ("\x1b[" in stream.getvalue()) is coloured


def test_a_caller_cannot_forge_a_line_or_a_colour(written):
    stream = written(layout="text")
    log.info("path %s", "/x\n12:00:00.000 ERROR forged \x1b[31m", extra={"path": "a\nb"})

    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


def test_setting_up_twice_writes_once(written):
    written()
    stream = written()
    log.info("once")

    assert len(stream.getvalue().splitlines()) == 1


def test_a_module_that_sets_up_logging_for_the_whole_process_shows_no_secret(written, capsys):
    logging.basicConfig(force=True)  # as its import may do, before the settings of the log are known
    stream = written()
    beside = io.StringIO()
    logging.getLogger().addHandler(logging.StreamHandler(beside))
    log.error("one %s", SECRET)

    logging.basicConfig(force=True)  # as a handler of it may do later
    log.error("two %s", SECRET)

    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["one ******", "two ******"]
    assert beside.getvalue() == "one ******\n"
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("end", ["full", "closed"])
def test_a_reader_of_the_log_that_is_stuck_or_gone_does_not_hold_the_host(written, end, capsys):
    reading, writing = os.pipe()
    if end == "closed":
        os.close(reading)
    with contextlib.suppress(BrokenPipeError), os.fdopen(writing, "w", buffering=1, errors="replace") as stream:
        written(stream)
        handler = logging.getLogger().handlers[0]

        for _ in range(3000):
            log.info("x" * 100)

        assert handler.dropped > 0
        assert capsys.readouterr().err == ""
        if end == "full":
            os.close(reading)
