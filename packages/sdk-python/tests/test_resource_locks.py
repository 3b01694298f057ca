"""Calls for one resource run one after another."""

import asyncio
import threading
import time

import pytest
from conftest import Serve, Until, only_message, request

from kplug import Call, Plugin, Result, Retry
from kplug._resource_locks import ResourceLocks
from kplug.v1 import plugin_pb2


async def test_calls_for_one_resource_run_one_after_another_and_others_at_once() -> None:
    locks = ResourceLocks()
    release = await locks.acquire("a")
    other = await locks.acquire("b")
    waiting = asyncio.create_task(locks.acquire("a"))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    release()
    (await waiting)()
    other()
    (await locks.acquire(""))()
    assert locks._locks == {}
    assert locks._users == {}


async def test_a_call_waits_for_a_limited_time_and_may_be_cancelled() -> None:
    locks = ResourceLocks(0.02)
    release = await locks.acquire("a")
    with pytest.raises(Retry, match=r"still running after 0\.02 s") as raised:
        await locks.acquire("a")
    assert raised.value.reason == "EarlierCallRunning"
    waiting = asyncio.create_task(locks.acquire("a"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    release()
    assert locks._locks == {}


async def test_a_call_waits_for_the_thread_of_a_cancelled_one(serve: Serve, until: Until) -> None:
    plugin = Plugin("Deaf", version="1.0.0", api="Table@1.0.0")
    lock = threading.Lock()
    calls: list[bool] = []

    @plugin.reconcile
    def reconcile(call: Call) -> Result:
        is_alone = lock.acquire(blocking=False)
        calls.append(is_alone)
        # Ignores `call.cancelled`.
        time.sleep(0.2)
        lock.release()
        return Result(status={"calls": len(calls)})

    _, client, _ = await serve(plugin)
    stream = client.Work()
    await stream.write(plugin_pb2.WorkRequest(id=1, reconcile=request()))
    await until(lambda: calls)
    stream.cancel()
    response = await client.Reconcile(request())
    assert calls == [True, True]
    assert response.base_status == b'{"calls":2}'


async def test_an_answer_over_the_limit_fails_its_call_only(serve: Serve) -> None:
    plugin = Plugin("Big", version="1.0.0", api="Table@1.0.0")

    @plugin.reconcile
    async def reconcile(call: Call) -> Result:
        return Result(status={"text": "x" * call.base.spec["size"]})

    _, client, _ = await serve(plugin, max_answer_size=10_000)
    assert (await client.GetInfo(plugin_pb2.GetInfoRequest())).serializes_calls
    stream = client.Work()
    for id_, size in ((1, 20_000), (2, 100), (3, 9_000)):
        await stream.write(plugin_pb2.WorkRequest(id=id_, reconcile=request({"size": size, "name": str(id_)})))
    answers = {}
    for _ in range(3):
        response = await stream.read()
        assert isinstance(response, plugin_pb2.WorkResponse)
        answers[response.id] = response.reconcile
    assert answers[1].outcome == plugin_pb2.OUTCOME_RETRY
    reason, text, _ = only_message(answers[1])
    assert reason == "AnswerTooLarge"
    assert text.startswith("the answer has 20,081 bytes; at most 10,000 can be sent: return less")
    assert "status: 20,011 bytes" in text
    assert answers[2].outcome == answers[3].outcome == plugin_pb2.OUTCOME_SUCCESS
    assert only_message(await client.Reconcile(request({"size": 20_000})))[0] == "AnswerTooLarge"
