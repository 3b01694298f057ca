"""Calling an author's function: a coroutine on the event loop, any other function in a thread."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


def is_async(function: Callable[..., Any]) -> bool:
    """Whether a function, or an object that is called like one, returns a coroutine."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


class AuthorCalls:
    """Calls an author's functions, and knows how many calls are under way."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="kplug")
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def under_way(self) -> int:
        """How many calls are under way, with those that nobody waits for any more but whose thread is still at it."""
        return self._under_way

    async def call(self, function: Callable[[Any], Any], argument: Any, cancelled: threading.Event) -> Any:
        """Calls a function and returns what it returns. Sets `cancelled` when this is cancelled."""
        self._under_way += 1
        self._idle.clear()
        work = self._start(function, argument)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            if work.cancelled():
                # Nobody has cancelled this, so the function did it to itself: that is a failure like any other.
                raise RuntimeError("the plugin's function cancelled itself") from None
            cancelled.set()
            work.add_done_callback(_retrieve)
            # Has no effect on a thread that is at it already.
            work.cancel()
            raise

    async def drain(self, timeout: float) -> bool:
        """Waits for the calls under way, at most so many seconds; false when they took longer."""
        try:
            await asyncio.wait_for(self._idle.wait(), timeout)
        except asyncio.TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Lets the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self, function: Callable[[Any], Any], argument: Any) -> asyncio.Future[Any]:
        if is_async(function):
            task: asyncio.Future[Any] = asyncio.ensure_future(function(argument))
            task.add_done_callback(lambda _: self._leave())
            return task
        loop = asyncio.get_running_loop()

        def leave(_: Future[Any]) -> None:
            # A thread that was cut off may end after the loop did.
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._leave)

        future = self._pool.submit(contextvars.copy_context().run, _call_blocking, function, argument)
        future.add_done_callback(leave)
        return asyncio.wrap_future(future)

    def _leave(self) -> None:
        self._under_way -= 1
        if self._under_way == 0:
            self._idle.set()


async def call_all(functions: Iterable[Callable[[], Any]]) -> None:
    """Calls functions, `async` or not, one after the other on the event loop."""
    for function in functions:
        result = function()
        if inspect.isawaitable(result):
            await result


def _call_blocking(function: Callable[[Any], Any], argument: Any) -> Any:
    try:
        return function(argument)
    except StopIteration as error:
        # No future can hold it, so that whoever waits would wait for ever.
        raise RuntimeError("the plugin's function raised StopIteration") from error


def _retrieve(work: asyncio.Future[Any]) -> None:
    """Looks at how a call ended that nobody waits for, or asyncio would complain of an error that nobody saw."""
    if not work.cancelled():
        work.exception()
