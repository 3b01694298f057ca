"""Locks of resources: the calls for one resource run one after another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kplug._errors import Retry

EARLIER_CALL_TIMEOUT = 10.0
"""Longest time that a call waits for an earlier call for the same resource that still runs, in seconds."""


class ResourceLocks:
    """Locks by the uid of a resource.

    The stream or connection of a call may break, or its deadline pass, while the function of the author still runs, in
    a thread for example. The controller then makes another call, which waits for the end of that function.
    """

    def __init__(self, timeout: float = EARLIER_CALL_TIMEOUT) -> None:
        self._timeout = timeout
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: dict[str, int] = {}

    async def acquire(self, uid: str) -> Callable[[], None]:
        """Waits for the earlier calls for a resource, and returns a function that releases it.

        Raises `Retry` if an earlier call takes longer than the timeout. A resource without a uid is not locked.
        """
        if not uid:
            return lambda: None
        lock = self._locks.setdefault(uid, asyncio.Lock())
        self._users[uid] = self._users.get(uid, 0) + 1
        try:
            await self._lock(lock, is_free=self._users[uid] == 1)
        except BaseException:
            self._leave(uid)
            raise

        def release() -> None:
            lock.release()
            self._leave(uid)

        return release

    async def _lock(self, lock: asyncio.Lock, *, is_free: bool) -> None:
        if is_free:
            await lock.acquire()
            return
        # Not `wait_for`, which loses a cancellation in Python 3.11.
        waiting = asyncio.ensure_future(lock.acquire())
        try:
            done, _ = await asyncio.wait({waiting}, timeout=self._timeout)
        except asyncio.CancelledError:
            if waiting.done():
                lock.release()
            waiting.cancel()
            raise
        if done:
            return
        waiting.cancel()
        text = "an earlier call for this resource is still running after"
        advice = "it must stop when it is cancelled"
        raise Retry(f"{text} {self._timeout:g} s; {advice}", reason="EarlierCallRunning")

    def _leave(self, uid: str) -> None:
        self._users[uid] -= 1
        if self._users[uid] == 0:
            del self._users[uid], self._locks[uid]
