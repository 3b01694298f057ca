"""Calls of the author's functions: coroutines run on the event loop, other functions in a thread."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from kplug._resource_locks import ResourceLocks


def is_async(function: Callable[..., Any]) -> bool:
    """Reports whether a function or callable object returns a coroutine."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


class AuthorCalls:
    """Calls the author's functions and counts the calls in flight."""

    def __init__(self, threads: int, locks: ResourceLocks | None = None) -> None:
        self._locks = locks or ResourceLocks()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="kplug")
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def in_flight(self) -> int:
        """Number of calls in flight, including cancelled ones whose thread still runs, and those that wait for them."""
        return self._in_flight

    async def call(
        self, function: Callable[[Any], Any], argument: Any, cancelled: threading.Event, uid: str = ""
    ) -> Any:
        """Calls a function and returns its result. Sets `cancelled` if this coroutine is cancelled.

        Waits for the end of earlier calls for the resource with this uid first, including cancelled ones whose thread
        still runs. Raises `Retry` if they take too long.
        """
        self._in_flight += 1
        self._idle.clear()
        try:
            release = await self._locks.acquire(uid)
        except BaseException:
            self._leave()
            raise
        try:
            work = self._start(function, argument, release)
        except BaseException:
            release()
            self._leave()
            raise
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            if work.cancelled():
                # The function raised CancelledError itself, without a cancellation of this coroutine.
                raise RuntimeError("the plugin's function cancelled itself") from None
            cancelled.set()
            work.add_done_callback(_retrieve)
            # Has no effect on a thread that has started.
            work.cancel()
            raise

    async def drain(self, timeout: float) -> bool:
        """Waits for in-flight calls. Returns false if they took longer than the timeout in seconds."""
        try:
            await asyncio.wait_for(self._idle.wait(), timeout)
        except asyncio.TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Shuts down the thread pool, without waiting for its threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self, function: Callable[[Any], Any], argument: Any, release: Callable[[], None]) -> asyncio.Future[Any]:
        def end() -> None:
            release()
            self._leave()

        if is_async(function):
            task: asyncio.Future[Any] = asyncio.ensure_future(function(argument))
            task.add_done_callback(lambda _: end())
            return task
        loop = asyncio.get_running_loop()

        def leave(_: Future[Any]) -> None:
            # A cancelled thread may end after the loop was closed.
            if not loop.is_closed():
                loop.call_soon_threadsafe(end)

        future = self._pool.submit(contextvars.copy_context().run, _call_blocking, function, argument)
        future.add_done_callback(leave)
        return asyncio.wrap_future(future)

    def _leave(self) -> None:
        self._in_flight -= 1
        if self._in_flight == 0:
            self._idle.set()


async def call_all(functions: Iterable[Callable[[], Any]]) -> None:
    """Calls functions, `async` or not, in sequence on the event loop."""
    for function in functions:
        result = function()
        if inspect.isawaitable(result):
            await result


def _call_blocking(function: Callable[[Any], Any], argument: Any) -> Any:
    try:
        return function(argument)
    except StopIteration as error:
        # A future can't hold StopIteration, and would never complete.
        raise RuntimeError("the plugin's function raised StopIteration") from error


def _retrieve(work: asyncio.Future[Any]) -> None:
    """Retrieves the exception of a cancelled call, as asyncio logs exceptions that were never retrieved."""
    if not work.cancelled():
        work.exception()
