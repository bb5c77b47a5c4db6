"""The library's threads look into the store when they are called, so that an idle host costs next to nothing."""

import sys
import threading
import traceback

from nexus.jobs import library_pace
from nexus.jobs.library_pace import LibraryPace

from .shop import until


async def looks_of(pace: LibraryPace, stop: threading.Event, looks: list[bool]) -> threading.Thread:
    def look():
        while not stop.wait(timeout=1.0):
            looks.append(True)
        looks.append(False)

    pace.slow_down(stop)
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    return thread


async def test_a_thread_looks_when_it_is_called_and_ends_when_it_is_stopped():
    pace, stop, looks = LibraryPace(), threading.Event(), []
    await looks_of(pace, stop, looks)

    pace.call()
    await until(lambda: looks == [True])
    pace.call()
    await until(lambda: looks == [True, True])
    stop.set()

    await until(lambda: looks == [True, True, False])


async def test_a_call_that_comes_while_a_thread_looks_is_heard_after_it():
    pace, stop = LibraryPace(), threading.Event()
    pace.slow_down(stop)
    pace.call()
    assert not stop.wait(timeout=1.0)

    pace.call()  # this thread is busy just then

    assert not stop.wait(timeout=1.0)


def waiting_for_a_call() -> set[str]:
    frames = sys._current_frames()
    return {
        thread.name
        for thread in threading.enumerate()
        if thread.ident in frames
        and any(each.filename == library_pace.__file__ for each in traceback.extract_stack(frames[thread.ident]))
    }


async def test_the_librarys_threads_wait_for_a_call(engine):
    """Private names of the library: where it changes them, an idle host would poll again, and this fails."""
    await until(lambda: "dbos-background-jobs" not in {thread.name for thread in threading.enumerate()})
    await until(lambda: "queue-worker-_dbos_internal_queue" in waiting_for_a_call())
    await until(lambda: any("(queue_thread)" in name for name in waiting_for_a_call()))
