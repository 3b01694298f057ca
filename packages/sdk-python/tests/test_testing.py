"""Test kit. mypy must report exactly the errors that are marked here."""

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal

import pydantic
import pytest
from typing_extensions import assert_type

from kplug import (
    Call,
    CapabilityOwner,
    Condition,
    Dependent,
    Dependents,
    Event,
    FinalizeCall,
    FinalizeResult,
    Message,
    Operation,
    Plugin,
    Progress,
    Requirement,
    Result,
    Retry,
    Terminal,
    define_capability,
)
from kplug.testing import InvalidInput, Outcome, PluginTester, ReconcileAnswer, ReportedEvent, ReportedMessage


@dataclass
class Spec:
    size: int = 4


@dataclass
class Options:
    speed: int = 1


class Model(pydantic.BaseModel):
    size: int


def answering(reconcile: Callable[[Call[Any]], Result | None], **more: Any) -> PluginTester[Any]:
    """Tests a plugin of tables that answers what a test says."""
    plugin: Plugin[Any] = Plugin("Tables", version="1.2.0", api="Table@1.0.0", **more)
    plugin.reconcile(reconcile)
    return PluginTester(plugin)


typed = Plugin("Tables", version="1.2.0", api="Table@1.0.0", spec=Spec, extensions={"Options": Options})


@typed.reconcile
def reconcile(call: Call[Spec]) -> Result:
    options = call.extensions.get(Options)
    assert options is not None
    return Result(
        status={"size": call.base.spec.size, "metadata": call.base.raw["metadata"], "kind": call.base.kind},
        extensions={options: {"speed": options.spec.speed}},
        messages=[Message("Slow", "this takes long", "warning", options)],
        events=[Event("Made", "made it", "Warning", options)],
    )


def test_models_and_mappings_are_the_input() -> None:
    tester = PluginTester(typed)
    assert_type(tester, PluginTester[Spec])
    answer = tester.reconcile({"spec": Spec(size=7)}, extensions=[{"kind": "Options", "spec": {}}])
    answer.assert_outcome("Success")
    assert answer.status is not None
    assert (answer.status["size"], answer.status["kind"]) == (7, "Table")
    metadata = answer.status["metadata"]
    assert re.fullmatch("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}", metadata.pop("uid"))
    assert metadata == {
        "name": "test",
        "namespace": "default",
        "generation": 1,
        "resourceVersion": "1",
        "creationTimestamp": "2000-01-01T00:00:00Z",
    }
    assert answer.extensions == {"Options/test": {"speed": 1}}
    assert answer.messages == [ReportedMessage("Slow", "this takes long", "warning", "Options/test")]
    assert answer.events == [ReportedEvent("Made", "made it", "Warning", "Options/test")]


def test_a_resource_that_its_model_refuses_is_terminal() -> None:
    answer = PluginTester(typed).reconcile(
        {"spec": {"size": "many"}}, extensions=[{"kind": "Options", "spec": {"speed": 0.5}}]
    )
    answer.assert_outcome("Terminal", "InvalidSpec")
    assert answer.message == "Table test is invalid: .spec.size: Expected int, got str"
    assert [one.extension for one in answer.messages] == ["", "Options/test"]


def test_types_of_the_input() -> None:
    tester = PluginTester(typed)
    calls = [
        lambda: tester.reconcile({"specs": {}}),  # type: ignore[arg-type]
        lambda: tester.reconcile({"spec": Options()}),  # type: ignore[arg-type]
        lambda: tester.reconcile({"metadata": {"label": {}}}),  # type: ignore[arg-type]
        lambda: tester.reconcile(cause="deleted"),  # type: ignore[call-arg]
        lambda: tester.reconcile(extensions=[{"spec": {}}]),  # type: ignore[typeddict-item]
    ]
    assert len(calls) == 5


def test_a_model_of_pydantic_is_an_input_and_a_status() -> None:
    plugin = Plugin("Tables", version="1.0.0", api="Table@1.0.0", spec=Model)
    plugin.reconcile(lambda call: Result(status=call.base.spec))
    assert PluginTester(plugin).reconcile({"spec": Model(size=3)}).status == {"size": 3}


def test_everything_that_a_call_brings_arrives() -> None:
    calls: list[Call[Any]] = []
    started = datetime(2026, 1, 1, tzinfo=timezone.utc)

    def secret(namespace: str, name: str) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}}

    answer = answering(calls.append).reconcile(
        {"metadata": {"generation": 3, "labels": {"a": "b"}}, "status": {"rows": 1}},
        dependents=[
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "db"}, "status": {"ready": 2}}
        ],
        required={"missing": [], "accounts": [secret("b", "x"), secret("a", "z"), secret("a", "y")]},
        capability={"category": "database", "type": "postgresql", "version": "17"},
        operation={"percentage": 40, "token": "b-1", "started_at": started, "cancelled": True},
        assignment={"delegation": "tables"},
        attempt=3,
    )
    answer.assert_outcome("Success")
    (call,) = calls
    assert (call.base.metadata.labels, call.base.status, call.attempt) == ({"a": "b"}, {"rows": 1}, 3)
    dependent = call.dependents.get("Deployment", "db")
    assert dependent is not None
    assert (dependent.metadata.namespace, dependent.status) == ("default", {"ready": 2})
    assert ("missing" in call.required, call.required.get("missing"), "plan" in call.required) == (True, None, False)
    accounts = [f"{one.metadata.namespace}/{one.metadata.name}" for one in call.required.all("accounts")]
    assert accounts == ["a/y", "a/z", "b/x"]
    assert call.capability is not None
    assert (call.capability.version, call.capability.previous_version) == ("17", "")
    assert call.operation == Operation(40, "", "b-1", 3, started, cancelled=True)
    assert (call.assignment.delegation, call.assignment.api, call.assignment.reason) == ("tables", "Table", "Preferred")


def test_a_cluster_scoped_resource_has_no_namespace() -> None:
    tester = answering(lambda call: Result(status=call.base.raw["metadata"]))
    status = tester.reconcile({"metadata": {"namespace": ""}}).status
    assert status is not None
    assert "namespace" not in status


def test_an_answer_has_everything_that_was_returned() -> None:
    manifest = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}}
    plain = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db"}, "spec": {"port": 1}}
    ruled = Dependent(
        manifest,
        depends_on=("Service/db",),
        ready_when="true",
        ready_timeout=1.5,
        include_when="base.spec.on",
        policy="CreateOnly",
        retain=True,
    )
    requirements = {
        "plan": Requirement("v1", "ConfigMap", name="small", namespace="plans"),
        "accounts": Requirement("v1", "Secret", labels={"tier": "gold"}),
    }
    conditions = [Condition("Backed", True, "Done"), Condition("Tidy", "Unknown", "NotChecked", "later")]
    result = Result(
        status={"rows": 0},
        conditions=conditions,
        dependents=[plain, ruled],
        require=requirements,
        requeue_after=30,
        valid_for=60.5,
    )
    assert answering(lambda _: result).reconcile() == ReconcileAnswer(
        outcome="Success",
        messages=[],
        events=[],
        require=requirements,
        status={"rows": 0},
        conditions=conditions,
        dependents=[Dependent(plain), ruled],
        requeue_after=30,
        valid_for=60.5,
    )


def test_a_plugin_that_returns_nothing_changes_nothing() -> None:
    answer = answering(lambda _: None).reconcile()
    assert answer == ReconcileAnswer(outcome="Success", messages=[], events=[], conditions=[])


def test_progress_and_dependents_are_the_input_of_a_later_pass() -> None:
    def reconcile(call: Call[Any]) -> Result:
        if call.operation is None:
            return Result(progress=Progress(40, "copying", "b-1", after=5), dependents=[manifest])
        return Result(status={"token": call.operation.token, "secrets": len(call.dependents)})

    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}}
    tester = answering(reconcile)
    first = tester.reconcile()
    first.assert_outcome("InProgress")
    assert (first.progress, first.message, first.messages) == (Progress(40, "copying", "b-1", 5), "copying", [])
    assert first.retry_after is None
    assert first.dependents is not None
    second = tester.reconcile(dependents=[manifest for _ in first.dependents], operation=first.progress)
    assert second.status == {"token": "b-1", "secrets": 1}


@pytest.mark.parametrize(
    ("error", "outcome", "reason", "after"),
    [
        (Retry("it starts", reason="Starting", after=2), "Retry", "Starting", 2),
        (Terminal("unknown type", reason="UnknownType"), "Terminal", "UnknownType", None),
        (KeyError("oops"), "Retry", "PluginError", None),
    ],
)
def test_an_exception_is_an_answer(error: Exception, outcome: Outcome, reason: str, after: float | None) -> None:
    def fail(_: Call[Any]) -> Result:
        raise error

    answer = answering(fail).reconcile()
    answer.assert_outcome(outcome, reason)
    assert (answer.retry_after, answer.raised) == (after, error)
    with pytest.raises(AssertionError, match=f"expected the outcome Success; the plugin answered {outcome} {reason}: "):
        answer.assert_outcome("Success")
    with pytest.raises(AssertionError, match=f"expected the outcome {outcome} Other") as info:
        answer.assert_outcome(outcome, "Other")
    assert info.value.__cause__ is error


def test_an_answer_that_an_operator_could_not_receive_is_a_failure() -> None:
    large = answering(lambda _: Result(status={"text": "x" * 5 * 1024 * 1024})).reconcile()
    large.assert_outcome("Retry", "AnswerTooLarge")
    odd = answering(lambda _: Result(status={"logger": logging})).reconcile()
    odd.assert_outcome("Retry", "PluginError")
    assert "which can't be encoded as JSON" in odd.message


def test_finalize_has_its_cause() -> None:
    plugin = Plugin("Tables", version="1.0.0", api="Table@1.0.0", spec=Spec)
    plugin.reconcile(lambda _: None)
    seen: list[tuple[str, bool, object]] = []

    @plugin.finalize
    def finalize(call: FinalizeCall[Spec]) -> FinalizeResult:
        seen.append((call.cause, call.base.metadata.deletion_timestamp is not None, call.base.spec))
        return FinalizeResult(require={"plan": Requirement("v1", "ConfigMap", name="plan")})

    tester = PluginTester(plugin)
    first = tester.finalize({"spec": {"size": "edited since"}})
    first.assert_outcome("Retry", "RequiresResources")
    assert first.require == {"plan": Requirement("v1", "ConfigMap", name="plan")}
    tester.finalize({"spec": Spec(1)}, cause="handed_over", required={"plan": []}).assert_outcome("Success")
    assert seen == [("deleted", True, {"size": "edited since"}), ("handed_over", False, Spec(1))]
    answering(lambda _: None).finalize().assert_outcome("Success")


def test_one_of_several_apis_is_called() -> None:
    plugin = Plugin("Foobar", version="1.0.0", api="Foo@1.0.0")
    plugin.reconcile(lambda call: Result(status={"foo": call.assignment.api}))
    bar = plugin.implement_api("Bar@2.0.0")
    bar.reconcile(lambda call: Result(status={"bar": call.base.kind}))
    assert PluginTester(plugin, api="Foo").reconcile().status == {"foo": "Foo"}
    assert PluginTester(plugin, api="Bar@2.0.0").reconcile().status == {"bar": "Bar"}
    advice = (
        'the plugin implements Foo@1.0.0, Bar@2.0.0; write which one to call, as in PluginTester(plugin, api="Foo")'
    )
    with pytest.raises(InvalidInput, match=re.escape(advice)):
        PluginTester(plugin)
    with pytest.raises(InvalidInput, match=r'doesn\'t implement the API "Baz"; it implements Foo@1\.0\.0, Bar@2\.0\.0'):
        PluginTester(plugin, api="Baz")


Postgresql = CapabilityOwner[Spec, Literal["postgresql"], Literal["16", "17"]]


def test_a_capability() -> None:
    def dependents(owner: Postgresql, _: Dependents) -> list[Dependent]:
        return [
            Dependent({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"{owner.name}-{owner.version}"}})
        ]

    tester = PluginTester(
        define_capability(
            "Databases",
            version="1.0.0",
            api="Capability@1.0.0",
            category="database",
            types=(Postgresql,),
            dependents=dependents,
        )
    )
    answer = tester.reconcile(capability={"type": "postgresql", "version": "17"})
    assert answer.dependents == [Dependent({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "test-17"}})]
    tester.reconcile(capability={"type": "postgresql", "version": "9"}).assert_outcome("Terminal", "NoSuchVersion")


async def test_async_functions_in_async_tests() -> None:
    plugin = Plugin("Tables", version="1.0.0", api="Table@1.0.0")
    running: list[int] = []

    @plugin.reconcile
    async def reconcile(call: Call) -> Result:
        running.append(1)
        together = len(running)
        await asyncio.sleep(0)
        running.pop()
        return Result(status={"together": together})

    tester = PluginTester(plugin)
    answers = await asyncio.gather(*(tester.reconcile_async() for _ in range(3)))
    assert [answer.status for answer in answers] == [{"together": 1}] * 3
    (await tester.finalize_async()).assert_outcome("Success")
    with pytest.raises(InvalidInput, match="the test runs on an event loop; await reconcile_async"):
        tester.reconcile()
    with pytest.raises(InvalidInput, match="the test runs on an event loop; write `async with`"):
        tester.__enter__()


def plugin_with_hooks(seen: list[object]) -> Plugin[Any]:
    """Defines a plugin that notes the event loops of its hooks and calls."""
    plugin: Plugin[Any] = Plugin("Tables", version="1.0.0", api="Table@1.0.0")

    async def note(*_: object) -> None:
        seen.append(asyncio.get_running_loop())

    plugin.on_start(note)
    plugin.on_stop(note)
    plugin.reconcile(note)
    return plugin


def test_hooks_and_calls_share_an_event_loop() -> None:
    seen: list[object] = []
    with PluginTester(plugin_with_hooks(seen)) as tester:
        tester.reconcile().assert_outcome("Success")
    assert len(seen) == 3
    assert len(set(seen)) == 1


async def test_hooks_of_async_tests() -> None:
    seen: list[object] = []
    async with PluginTester(plugin_with_hooks(seen)) as tester:
        (await tester.reconcile_async()).assert_outcome("Success")
    assert seen == [asyncio.get_running_loop()] * 3


def test_a_failed_start_hook_is_an_error_of_the_test() -> None:
    plugin = Plugin("Tables", version="1.0.0", api="Table@1.0.0")
    plugin.reconcile(lambda _: None)

    @plugin.on_start
    def fail() -> None:
        raise OSError("no database")

    with pytest.raises(OSError, match="no database"):
        PluginTester(plugin).__enter__()


@pytest.mark.parametrize(
    ("base", "given", "message"),
    [
        ([], {}, "base is []; it must be a dict"),
        ({"metadata": "users"}, {}, "base.metadata is 'users'; it must be a dict"),
        ({"metadata": {"name": ""}}, {}, "base.metadata.name is ''; it must be a str that is not empty"),
        ({"metadata": {"generation": "1"}}, {}, "base.metadata.generation is '1'; it must be an integer"),
        ({"metadata": {"labels": {"a": 1}}}, {}, 'base.metadata.labels["a"] is 1; it must be a str, as in Kubernetes'),
        ({"spec": logging}, {}, "base has <module 'logging'"),
        ({}, {"spec": {}}, 'reconcile has the unknown field "spec"; its fields are extensions, dependents, required'),
        ({}, {"extensions": [{"spec": {}}]}, "extensions[0].kind is missing; write it"),
        ({}, {"extensions": {"kind": "A"}}, "extensions is {'kind': 'A'}; it must be a list of resources"),
        ({}, {"extensions": [{"kind": "A"}, {"kind": "A"}]}, "extensions has A/test twice; give each one its own"),
        ({}, {"dependents": [{"kind": "Secret"}]}, "dependents[0].apiVersion is missing; write it"),
        ({}, {"required": {"plan": {}}}, "required.plan is {}; it must be a list of resources"),
        (
            {},
            {"capability": {"type": "a", "version": "1"}},
            "capability.category is missing; write it, as the API Table",
        ),
        ({}, {"capability": {"category": "a", "type": "b", "version": 1}}, "capability.version is 1; it must be a str"),
        ({}, {"operation": {"percentage": 101}}, "operation.percentage is 101; it must be an integer from 0 to 100"),
        (
            {},
            {"operation": {"done": True}},
            'operation has the unknown field "done"; its fields are percentage, message',
        ),
        (
            {},
            {"assignment": {"api": "Foo"}},
            'assignment has the unknown field "api"; its fields are delegation, reason',
        ),
        ({}, {"attempt": 0}, "attempt is 0; it must be an integer of at least 1"),
    ],
)
def test_an_invalid_input_is_refused(base: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(message)):
        answering(lambda _: None).reconcile(base, **given)


def test_an_unknown_cause_is_refused() -> None:
    cause: Any = "moved"
    with pytest.raises(InvalidInput, match='cause is \'moved\'; it must be "deleted" or "handed_over"'):
        answering(lambda _: None).finalize(cause=cause)
