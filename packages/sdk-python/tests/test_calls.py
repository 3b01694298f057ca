"""Calls of a controller, over gRPC."""

import asyncio
import contextvars
import json
import logging
import threading
from dataclasses import dataclass
from typing import Any

import msgspec
import pydantic
import pytest
from conftest import Serve, Until, key, only_message, request, resource
from grpc import StatusCode, aio

from kplug import (
    Call,
    Condition,
    Dependent,
    Event,
    FinalizeCall,
    FinalizeResult,
    Message,
    Operation,
    Plugin,
    Progress,
    Required,
    Requirement,
    Result,
    Retry,
    Terminal,
)
from kplug.v1 import plugin_pb2, resource_pb2


@dataclass
class Spec:
    size: int = 4


@dataclass
class Options:
    speed: int = 1


def new_plugin(**more: Any) -> Plugin[Any]:
    return Plugin("Plain", version="1.2.3", api="Table@1.0.0", **more)


async def test_a_call_has_the_whole_state(serve: Serve) -> None:
    plugin = new_plugin(spec=Spec, extensions={"Options": Options, "Other": None})
    calls: list[Call[Spec]] = []
    plugin.reconcile(calls.append)
    _, client, _ = await serve(plugin)
    given = request({"size": 7}, Options={"speed": 2}, Other={"free": "form"}, Unknown={})
    given.context.attempt = 3
    given.context.deadline.FromJsonString("2030-01-01T00:00:00Z")
    given.context.traceparent = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
    response = await client.Reconcile(given)
    assert response == plugin_pb2.ReconcileResponse(outcome=plugin_pb2.OUTCOME_SUCCESS)
    (call,) = calls
    assert call.base.spec == Spec(7)
    assert (call.base.kind, call.base.metadata.name, call.base.metadata.namespace) == ("Table", "users", "default")
    assert (call.attempt, call.assignment.delegation, call.assignment.reason) == (3, "tables", "Preferred")
    assert call.deadline is not None
    assert call.deadline.isoformat() == "2030-01-01T00:00:00+00:00"
    assert call.traceparent == given.context.traceparent
    options = call.extensions.get(Options)
    assert options is not None
    assert options.spec == Options(2)
    assert call.extensions.get("Options") is options
    other = call.extensions.get("Other")
    assert other is not None
    assert other.spec == {"free": "form"}
    assert call.extensions.get("Missing") is None
    assert [extension.kind for extension in call.extensions] == ["Options", "Other", "Unknown"]
    assert len(call.extensions) == 3


async def test_integers_of_64_bits_are_exact(serve: Serve) -> None:
    plugin = new_plugin(spec=Spec)
    sizes = [9223372036854775807, -9223372036854775808, 9007199254740993]

    @plugin.reconcile
    def reconcile(call: Call[Spec]) -> Result:
        other = call.extensions.get("Other")
        assert other is not None
        return Result(status={"size": call.base.spec.size, "others": other.spec["sizes"]})

    _, client, _ = await serve(plugin)
    response = await client.Reconcile(request({"size": sizes[0]}, Other={"sizes": sizes}))
    assert json.loads(response.base_status) == {"size": sizes[0], "others": sizes}


async def test_all_fields_of_a_result_are_encoded(serve: Serve) -> None:
    plugin = new_plugin()

    class Status(pydantic.BaseModel):
        table_name: str = pydantic.Field(serialization_alias="tableName")

    @plugin.reconcile
    async def reconcile(call: Call) -> Result:
        options = call.extensions.get("Options")
        assert options is not None
        return Result(
            status={"spec": Spec(), "more": Status(table_name="users")},
            extensions={options: Options(9)},
            conditions=[
                Condition("A", True, "Yes"),
                Condition("B", False, "No"),
                Condition("C", "Unknown", "Ask", "?"),
            ],
            messages=[
                Message("Narrowed", "to 63 bits", severity="warning", extension=options),
                Message("Fine", "it is"),
            ],
            events=[Event("Made", "it was"), Event("Drift", "corrected", type="Warning", extension=options)],
            requeue_after=1.5,
            valid_for=90,
        )

    _, client, _ = await serve(plugin)
    response = await client.Reconcile(request(Options={}))
    assert response.outcome == plugin_pb2.OUTCOME_SUCCESS
    assert json.loads(response.base_status) == {"spec": {"size": 4}, "more": {"tableName": "users"}}
    assert {name: json.loads(status) for name, status in response.extension_statuses.items()} == {
        key("Options"): {"speed": 9}
    }
    assert [(condition.type, condition.status, condition.message) for condition in response.conditions] == [
        ("A", resource_pb2.CONDITION_STATUS_TRUE, ""),
        ("B", resource_pb2.CONDITION_STATUS_FALSE, ""),
        ("C", resource_pb2.CONDITION_STATUS_UNKNOWN, "?"),
    ]
    assert [(message.severity, message.reason, message.target) for message in response.messages] == [
        (resource_pb2.SEVERITY_WARNING, "Narrowed", key("Options")),
        (resource_pb2.SEVERITY_INFO, "Fine", ""),
    ]
    assert [(event.type, event.reason, event.target) for event in response.events] == [
        (resource_pb2.EVENT_TYPE_NORMAL, "Made", ""),
        (resource_pb2.EVENT_TYPE_WARNING, "Drift", key("Options")),
    ]
    assert response.requeue_after.ToTimedelta().total_seconds() == 1.5
    assert response.valid_for.ToTimedelta().total_seconds() == 90


async def test_dependents_are_received_and_returned(serve: Serve) -> None:
    plugin = new_plugin()
    seen: list[list[str]] = []

    @plugin.reconcile
    def reconcile(call: Call) -> Result:
        seen.append([str(dependent) for dependent in call.dependents])
        if not call.dependents:
            return Result()
        wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": call.base.metadata.name}, "data": {}}
        return Result(dependents=[wanted])

    _, client, _ = await serve(plugin)
    given = request({})
    response = await client.Reconcile(given)
    assert not response.HasField("dependents")
    present = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "former"}}
    given.dependents["/v1/ConfigMap/default/former"].json = json.dumps(present).encode()
    response = await client.Reconcile(given)
    (item,) = response.dependents.items
    assert json.loads(item)["metadata"] == {"name": "users"}
    assert seen == [[], ["ConfigMap former"]]


async def test_dependents_have_rules(serve: Serve) -> None:
    plugin = new_plugin()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}}
    server = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}, "spec": {"replicas": 1}}

    @plugin.reconcile
    def reconcile(_: Call) -> Result:
        return Result(
            dependents=[
                Dependent(secret, policy="CreateOnly"),
                Dependent(server, depends_on=["Secret/db"], ready_when="true", ready_timeout=1.5, include_when="false"),
                {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db"}},
            ]
        )

    _, client, _ = await serve(plugin)
    dependents = (await client.Reconcile(request({}))).dependents
    assert [json.loads(item)["kind"] for item in dependents.items] == ["Secret", "StatefulSet", "Service"]
    assert sorted(dependents.rules) == ["Secret/db", "StatefulSet.apps/db"]
    assert dependents.rules["Secret/db"].policy == plugin_pb2.DEPENDENT_POLICY_CREATE_ONLY
    rules = dependents.rules["StatefulSet.apps/db"]
    assert (list(rules.depends_on), rules.ready_when, rules.include_when) == (["Secret/db"], "true", "false")
    assert rules.ready_timeout.ToTimedelta().total_seconds() == 1.5


async def test_an_invalid_resource_is_not_passed_to_reconcile(serve: Serve) -> None:
    plugin = new_plugin(spec=Spec, extensions={"Options": Options})
    plugin.reconcile(lambda _: pytest.fail("it was called"))
    _, client, _ = await serve(plugin)
    response = await client.Reconcile(request({"size": "large"}, Options={"speed": "high"}))
    assert response.outcome == plugin_pb2.OUTCOME_TERMINAL
    assert [(message.reason, message.text, message.target) for message in response.messages] == [
        ("InvalidSpec", "Table users is invalid: .spec.size: Expected int, got str", ""),
        ("InvalidSpec", "Options users is invalid: .spec.speed: Expected int, got str", key("Options")),
    ]


async def test_finalize_gets_an_invalid_resource_unconverted(serve: Serve) -> None:
    plugin = new_plugin(spec=Spec, extensions={"Options": Options})
    plugin.reconcile(lambda _: None)
    calls: list[FinalizeCall[Spec]] = []

    @plugin.finalize
    def finalize(call: FinalizeCall[Spec]) -> FinalizeResult:
        calls.append(call)
        return FinalizeResult(messages=[Message("Gone", "it is")])

    _, client, _ = await serve(plugin)
    given = request({"size": "large"}, Options={"speed": 3})
    response = await client.Finalize(
        plugin_pb2.FinalizeRequest(
            base=given.base, extensions=given.extensions, cause=plugin_pb2.FINALIZE_CAUSE_HANDED_OVER
        )
    )
    assert response.outcome == plugin_pb2.OUTCOME_SUCCESS
    assert response.messages[0].reason == "Gone"
    assert calls[0].base.spec == {"size": "large"}
    assert [extension.spec for extension in calls[0].extensions] == [Options(3)]
    assert calls[0].cause == "handed_over"


async def test_finalize_is_optional(serve: Serve) -> None:
    plugin = new_plugin(spec=Spec)
    plugin.reconcile(lambda _: None)
    _, client, _ = await serve(plugin)
    response = await client.Finalize(plugin_pb2.FinalizeRequest(base=resource(spec={"size": "large"})))
    assert response.outcome == plugin_pb2.OUTCOME_SUCCESS


async def raise_in(serve: Serve, error: BaseException, *, blocking: bool = False) -> plugin_pb2.ReconcileResponse:
    plugin = new_plugin()

    def reconcile(call: Call) -> None:
        raise error

    async def reconcile_async(call: Call) -> None:
        raise error

    plugin.reconcile(reconcile if blocking else reconcile_async)
    _, client, _ = await serve(plugin)
    return await client.Reconcile(request(), timeout=10)


async def test_retry_and_terminal_become_responses(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    response = await raise_in(serve, Retry("the database starts", reason="Starting", after=2.5))
    assert response.outcome == plugin_pb2.OUTCOME_RETRY
    assert only_message(response) == ("Starting", "the database starts", "")
    assert response.retry_after.ToMilliseconds() == 2500
    response = await raise_in(serve, Retry("it is locked"))
    assert not response.HasField("retry_after")
    response = await raise_in(serve, Terminal('the type "blob" is unknown', reason="UnknownType"))
    assert response.outcome == plugin_pb2.OUTCOME_TERMINAL
    assert only_message(response) == ("UnknownType", 'the type "blob" is unknown', "")
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    ("error", "blocking", "text"),
    [
        (ValueError("it broke"), False, "ValueError: it broke"),
        (ValueError("it broke"), True, "ValueError: it broke"),
        (KeyError("columns"), False, "KeyError: 'columns'"),
        (asyncio.CancelledError(), False, "cancelled itself"),
        (StopIteration(), False, "StopIteration"),
        (StopIteration(), True, "StopIteration"),
    ],
)
async def test_any_other_exception_is_logged_and_retried(
    serve: Serve, caplog: pytest.LogCaptureFixture, error: BaseException, blocking: bool, text: str
) -> None:
    response = await raise_in(serve, error, blocking=blocking)
    assert response.outcome == plugin_pb2.OUTCOME_RETRY
    reason, said, _ = only_message(response)
    assert reason == "PluginError"
    assert text in said
    assert any(record.exc_info and record.name == "kplug.Plain" for record in caplog.records)


@pytest.mark.parametrize(
    ("returned", "text"),
    [
        ({"rows": 1}, "reconcile returned dict; it must return a kplug.Result or None"),
        (Result(status={"of": object()}), "the result has <object object"),
        (Result(status={"of": {1, 2}}), None),
    ],
)
async def test_a_result_that_can_not_be_encoded_is_reported(serve: Serve, returned: Any, text: str | None) -> None:
    plugin = new_plugin()
    plugin.reconcile(lambda _: returned)
    _, client, _ = await serve(plugin)
    response = await client.Reconcile(request())
    if text is None:
        assert json.loads(response.base_status) == {"of": [1, 2]}
    else:
        assert response.outcome == plugin_pb2.OUTCOME_RETRY
        assert text in only_message(response)[1]


async def test_a_status_for_an_unknown_extension_is_rejected(serve: Serve) -> None:
    plugin = new_plugin()
    kept: list[Any] = []

    @plugin.reconcile
    def reconcile(call: Call) -> Result:
        kept.extend(call.extensions)
        return Result(extensions={kept[0]: {}})

    _, client, _ = await serve(plugin)
    assert (await client.Reconcile(request(Options={}))).outcome == plugin_pb2.OUTCOME_SUCCESS
    response = await client.Reconcile(request(Options={}))
    assert "for Options users, which is not an extension of this call" in only_message(response)[1]


async def test_a_malformed_request_is_a_failure(serve: Serve) -> None:
    plugin = new_plugin()
    plugin.reconcile(lambda _: None)
    _, client, _ = await serve(plugin)
    for garbage in (b"", b"no json", b"[]", b'{"metadata":"none"}'):
        given = plugin_pb2.ReconcileRequest(base=resource_pb2.Resource(json=garbage))
        assert (await client.Reconcile(given)).outcome == plugin_pb2.OUTCOME_RETRY
    assert (await client.Reconcile(request())).outcome == plugin_pb2.OUTCOME_SUCCESS


async def test_blocking_functions_run_concurrently_in_threads(serve: Serve) -> None:
    plugin = new_plugin()
    meeting = threading.Barrier(8, timeout=10)
    variable = contextvars.ContextVar[str]("variable", default="unset")
    variable.set("set")

    @plugin.reconcile
    def reconcile(call: Call) -> Result:
        meeting.wait()
        return Result(status={"thread": threading.current_thread() is threading.main_thread()})

    _, client, _ = await serve(plugin)
    responses = await asyncio.gather(*(client.Reconcile(request({"name": str(n)})) for n in range(8)))
    assert [json.loads(response.base_status) for response in responses] == [{"thread": False}] * 8


async def test_cancelling_a_call_cancels_an_async_function(serve: Serve, until: Until) -> None:
    plugin = new_plugin()
    calls: list[Call] = []
    ended: list[str] = []

    @plugin.reconcile
    async def reconcile(call: Call) -> None:
        calls.append(call)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    running, client, _ = await serve(plugin)
    pending = client.Reconcile(request())
    await until(lambda: calls)
    pending.cancel()
    await until(lambda: ended == ["cancelled"])
    assert calls[0].cancelled.is_set()
    with pytest.raises(aio.AioRpcError) as failure:
        await client.Reconcile(request(), timeout=0.1)
    assert failure.value.code() == StatusCode.DEADLINE_EXCEEDED
    await until(lambda: len(ended) == 2)
    await until(lambda: running.in_flight == 0)


async def test_cancelling_a_call_notifies_a_blocking_function(serve: Serve, until: Until) -> None:
    plugin = new_plugin()
    calls: list[Call] = []
    seen: list[bool] = []

    @plugin.reconcile
    def reconcile(call: Call) -> None:
        calls.append(call)
        seen.append(call.cancelled.wait(60))

    running, client, _ = await serve(plugin)
    pending = client.Reconcile(request())
    await until(lambda: calls)
    pending.cancel()
    await until(lambda: seen == [True])
    await until(lambda: running.in_flight == 0)


async def test_a_log_names_the_resource(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    plugin = new_plugin()
    plugin.reconcile(lambda call: call.log.warning("made %s", "it"))
    _, client, _ = await serve(plugin)
    await client.Reconcile(request())
    (record,) = [record for record in caplog.records if record.name == "kplug.Plain" and "made" in record.message]
    assert record.message == "Table default/users: made it"
    assert vars(record)["resource"] == "Table default/users"


async def test_the_maximum_message_size_is_enforced(serve: Serve) -> None:
    plugin = new_plugin()
    plugin.reconcile(lambda call: Result(status={"length": len(call.base.spec["text"])}))
    _, client, _ = await serve(plugin)
    length = 4 * 1024 * 1024 - 1000
    assert msgspec.json.decode((await client.Reconcile(request({"text": "x" * length}))).base_status) == {
        "length": length
    }
    with pytest.raises(aio.AioRpcError) as failure:
        await client.Reconcile(request({"text": "x" * (length + 1000)}))
    assert failure.value.code() == StatusCode.RESOURCE_EXHAUSTED


async def test_the_traceback_of_an_error_is_logged_once(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    plugin = new_plugin()

    @plugin.reconcile
    def reconcile(call: Call) -> None:
        raise RuntimeError(f"no connection at attempt {call.attempt}")

    _, client, _ = await serve(plugin)
    given = request()
    with caplog.at_level(logging.ERROR):
        for attempt in (1, 2, 3):
            given.context.attempt = attempt
            await client.Reconcile(given)
    assert [(record.getMessage(), record.exc_info is not None) for record in caplog.records] == [
        ("call failed with an unexpected error at attempt 1", True),
        ("call failed again with an unexpected error at attempt 2: RuntimeError: no connection at attempt 2", False),
        ("call failed again with an unexpected error at attempt 3: RuntimeError: no connection at attempt 3", False),
    ]


async def test_progress_is_returned_and_comes_back(serve: Serve) -> None:
    plugin = new_plugin()
    seen: list[Operation | None] = []

    @plugin.reconcile
    def reconcile(call: Call) -> Result:
        seen.append(call.operation)
        return Result(progress=Progress(40, "copying", token="job-1", after=2), valid_for=60)

    @plugin.finalize
    def finalize(call: FinalizeCall) -> FinalizeResult:
        seen.append(call.operation)
        return FinalizeResult(progress=Progress(token="job-2"))

    _, client, _ = await serve(plugin)
    response = await client.Reconcile(request())
    assert (response.outcome, response.retry_after.seconds) == (plugin_pb2.OUTCOME_RETRY, 2)
    assert response.progress == plugin_pb2.Progress(percentage=40, message="copying", token="job-1")
    assert [(message.reason, message.text) for message in response.messages] == [("InProgress", "40 % done: copying")]
    assert not response.HasField("valid_for")
    finalizing = plugin_pb2.FinalizeRequest(base=request().base, assignment=request().assignment)
    finalizing.operation.progress.CopyFrom(response.progress)
    finalizing.operation.generation = 3
    finalizing.operation.cancelled = True
    finalized = await client.Finalize(finalizing)
    assert (finalized.outcome, finalized.progress.token) == (plugin_pb2.OUTCOME_RETRY, "job-2")
    assert not finalized.progress.HasField("percentage")
    assert [message.text for message in finalized.messages] == ["in progress"]
    first, second = seen
    assert first is None
    assert second is not None
    assert (second.percentage, second.message, second.token) == (40, "copying", "job-1")
    assert (second.generation, second.cancelled) == (3, True)


@pytest.mark.parametrize("percentage", [101, -1, 1.5])
async def test_an_invalid_percentage_is_a_failure_that_says_so(serve: Serve, percentage: Any) -> None:
    plugin = new_plugin()

    @plugin.reconcile
    def reconcile(call: Call) -> Result:
        return Result(progress=Progress(percentage))

    _, client, _ = await serve(plugin)
    response = await client.Reconcile(request())
    assert response.outcome == plugin_pb2.OUTCOME_RETRY
    assert "must be an integer from 0 to 100" in response.messages[0].text


def add_required(given: plugin_pb2.ReconcileRequest | plugin_pb2.FinalizeRequest, **found: list[bytes]) -> None:
    """Adds what a controller sends for requirements."""
    given.context.supports_requirements = True
    for name, items in found.items():
        given.required[name].SetInParent()
        for item in items:
            given.required[name].items.add(json=item)


def reconcile_request(**found: list[bytes]) -> plugin_pb2.ReconcileRequest:
    given = request()
    add_required(given, **found)
    return given


def finalize_request(**found: list[bytes]) -> plugin_pb2.FinalizeRequest:
    given = plugin_pb2.FinalizeRequest(base=request().base, assignment=request().assignment)
    add_required(given, **found)
    return given


async def test_required_resources_are_asked_for_and_come(serve: Serve) -> None:
    plugin = new_plugin()
    seen: list[Required] = []

    @plugin.reconcile
    def reconcile(call: Call) -> Result:
        seen.append(call.required)
        plan = Requirement("v1", "ConfigMap", "plan", namespace="shared")
        return Result(require={"plan": plan, "keys": Requirement("v1", "Secret", labels={"tier": "gold"})})

    _, client, _ = await serve(plugin)
    response = await client.Reconcile(reconcile_request())
    assert response.outcome == plugin_pb2.OUTCOME_SUCCESS
    plan = plugin_pb2.ResourceRequirement(api_version="v1", kind="ConfigMap", name="plan", namespace="shared")
    assert response.requirements["plan"] == plan
    keys = plugin_pb2.ResourceRequirement(api_version="v1", kind="Secret", labels={"tier": "gold"})
    assert response.requirements["keys"] == keys
    config = b'{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "plan"}, "data": {"size": "3"}}'
    await client.Reconcile(reconcile_request(plan=[config], keys=[]))
    first, second = seen
    assert "plan" not in first
    assert first.get("plan") is None
    assert "keys" in second
    assert list(second.all("keys")) == []
    found = second.get("plan")
    assert found is not None
    assert found.metadata.name == "plan"


async def test_a_finalization_is_not_done_until_the_required_resources_come(serve: Serve) -> None:
    plugin = new_plugin()

    @plugin.reconcile
    def reconcile(_: Call) -> None:
        return None

    @plugin.finalize
    def finalize(_: FinalizeCall) -> FinalizeResult:
        return FinalizeResult(require={"admin": Requirement("v1", "Secret", "admin")})

    _, client, _ = await serve(plugin)
    first = await client.Finalize(finalize_request())
    assert (first.outcome, list(first.requirements)) == (plugin_pb2.OUTCOME_RETRY, ["admin"])
    second = await client.Finalize(finalize_request(admin=[]))
    assert second.outcome == plugin_pb2.OUTCOME_SUCCESS


async def test_an_operator_that_sends_no_required_resources_is_reported(serve: Serve) -> None:
    plugin = new_plugin()

    @plugin.reconcile
    def reconcile(_: Call) -> Result:
        return Result(require={"plan": Requirement("v1", "ConfigMap", "plan")})

    _, client, _ = await serve(plugin)
    response = await client.Reconcile(request())
    assert response.outcome == plugin_pb2.OUTCOME_TERMINAL
    assert [message.reason for message in response.messages] == ["RequirementsUnsupported"]
