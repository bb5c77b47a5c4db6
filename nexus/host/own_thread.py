"""A thread for what must not wait for those that modules use."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


async def in_own_thread(name: str, call: Callable[[], T]) -> T:
    """Gives what `call` gives, in a thread of its own.

    `asyncio.to_thread` has a few threads for the whole process, and a module may hold all of them for as long as it
    likes; what the host cannot serve without does not stand in line there.
    """
    threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
    try:
        return await asyncio.get_running_loop().run_in_executor(threads, call)
    finally:
        threads.shutdown(wait=False)
