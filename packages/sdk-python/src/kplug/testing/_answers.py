"""Answers of a plugin in a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import msgspec
from google.protobuf.duration_pb2 import Duration

from kplug._encoding import dependent_name
from kplug._resource import Json
from kplug._result import Condition, Dependent, Progress, Requirement
from kplug.v1 import plugin_pb2, resource_pb2

Outcome = Literal["Success", "InProgress", "Retry", "Terminal"]
"""Outcome of a call: `InProgress` if the plugin returned progress, `Retry` for a failure that an operator repeats, and
`Terminal` for one that it does not repeat until something changes."""

_Answer = plugin_pb2.ReconcileResponse | plugin_pb2.FinalizeResponse
_V = TypeVar("_V")

_decoder = msgspec.json.Decoder(dict[str, object])

_SEVERITIES: Mapping[int, Literal["info", "warning", "error"]] = {
    resource_pb2.SEVERITY_INFO: "info",
    resource_pb2.SEVERITY_WARNING: "warning",
    resource_pb2.SEVERITY_ERROR: "error",
}
_CONDITION_STATUSES: Mapping[int, bool | Literal["Unknown"]] = {
    resource_pb2.CONDITION_STATUS_TRUE: True,
    resource_pb2.CONDITION_STATUS_FALSE: False,
    resource_pb2.CONDITION_STATUS_UNKNOWN: "Unknown",
}
_POLICIES: Mapping[int, Literal["Apply", "CreateOnly", "Recreate", "Observe"]] = {
    plugin_pb2.DEPENDENT_POLICY_APPLY: "Apply",
    plugin_pb2.DEPENDENT_POLICY_CREATE_ONLY: "CreateOnly",
    plugin_pb2.DEPENDENT_POLICY_RECREATE: "Recreate",
    plugin_pb2.DEPENDENT_POLICY_OBSERVE: "Observe",
}


@dataclass(frozen=True)
class ReportedMessage:
    """Message to the user."""

    reason: str
    text: str
    severity: Literal["info", "warning", "error"] = "info"
    extension: str = ""
    """Extension that the message is about, as `Kind/name`; empty for the base."""


@dataclass(frozen=True)
class ReportedEvent:
    """Event to record."""

    reason: str
    message: str
    type: Literal["Normal", "Warning"] = "Normal"
    extension: str = ""
    """Extension that the Event is about, as `Kind/name`; empty for the base."""


@dataclass(frozen=True)
class FinalizeAnswer:
    """Answer of a plugin to a call of `finalize` in a test, as an operator receives it."""

    outcome: Outcome
    reason: str = ""
    """Reason of a failure in one PascalCase word, such as `InvalidSpec`; empty for `Success` and `InProgress`."""
    message: str = ""
    """Message of a failure or of the progress; empty for `Success`."""
    retry_after: float | None = None
    """Delay before the retry, in seconds; `None` for the back-off of the operator."""
    progress: Progress | None = None
    messages: Sequence[ReportedMessage] = ()
    """Messages to the user, also those of a failure."""
    events: Sequence[ReportedEvent] = ()
    require: Mapping[str, Requirement] = field(default_factory=dict)
    """Further resources that the plugin requires, by the names of the requirements."""
    raised: BaseException | None = None
    """Exception that the function of the plugin raised; `None` if it raised none."""

    def assert_outcome(self, outcome: Outcome, reason: str | None = None) -> None:
        """Raises `AssertionError` unless the call had this outcome, with what the plugin answered.

        The cause of the error is what the plugin raised. `reason` is the reason that a failure must have.
        """
        if self.outcome == outcome and reason in {None, self.reason}:
            return
        expected = outcome if reason is None else f"{outcome} {reason}"
        answered = f"{self.outcome} {self.reason}".strip()
        text = f": {self.message}" if self.message else ""
        failure = f"expected the outcome {expected}; the plugin answered {answered}{text}"
        raise AssertionError(failure) from self.raised


@dataclass(frozen=True)
class ReconcileAnswer(FinalizeAnswer):
    """Answer of a plugin to a call of `reconcile` in a test, as an operator receives it."""

    status: Json | None = None
    """Status of the base; `None` for no change."""
    extensions: Mapping[str, Json] = field(default_factory=dict)
    """Statuses of extensions, by `Kind/name`."""
    conditions: Sequence[Condition] = ()
    dependents: Sequence[Dependent] | None = None
    """Dependents with their rules; `None` for no change."""
    requeue_after: float | None = None
    """Delay until the next call, in seconds; `None` for the default of the delegation."""
    valid_for: float | None = None
    """Time for which the answer holds, in seconds; `None` if it does not hold."""


def read_finalize_answer(answer: _Answer, names: Mapping[str, str], raised: BaseException | None) -> FinalizeAnswer:
    """Reads an answer. `names` has the extensions of the call as `Kind/name`, by their keys."""
    progress = _read_progress(answer)
    messages = _read_messages(answer, names)
    reason, message = _describe(answer, messages)
    return FinalizeAnswer(
        outcome=_outcome_of(answer),
        reason=reason,
        message=message,
        retry_after=None if progress else _seconds(answer, "retry_after", answer.retry_after),
        progress=progress,
        messages=messages,
        events=_read_events(answer, names),
        require=_read_requirements(answer),
        raised=raised,
    )


def read_reconcile_answer(
    answer: plugin_pb2.ReconcileResponse, names: Mapping[str, str], raised: BaseException | None
) -> ReconcileAnswer:
    """Reads an answer, as `read_finalize_answer` does."""
    return ReconcileAnswer(
        **vars(read_finalize_answer(answer, names, raised)),
        status=_decoder.decode(answer.base_status) if answer.HasField("base_status") else None,
        extensions={names.get(key, key): _decoder.decode(json) for key, json in answer.extension_statuses.items()},
        conditions=[
            Condition(one.type, _CONDITION_STATUSES[one.status], one.reason, one.message) for one in answer.conditions
        ],
        dependents=_read_dependents(answer.dependents) if answer.HasField("dependents") else None,
        requeue_after=_seconds(answer, "requeue_after", answer.requeue_after),
        valid_for=_seconds(answer, "valid_for", answer.valid_for),
    )


def _outcome_of(answer: _Answer) -> Outcome:
    if answer.outcome == plugin_pb2.OUTCOME_SUCCESS:
        return "Success"
    if answer.outcome == plugin_pb2.OUTCOME_TERMINAL:
        return "Terminal"
    return "InProgress" if answer.HasField("progress") else "Retry"


def _describe(answer: _Answer, messages: Sequence[ReportedMessage]) -> tuple[str, str]:
    """Returns reason and message of a failure: those of its first message of the highest severity."""
    if answer.HasField("progress"):
        return "", answer.progress.message
    if answer.outcome == plugin_pb2.OUTCOME_SUCCESS or not messages:
        return "", ""
    worst = min(messages, key=lambda message: ("error", "warning", "info").index(message.severity))
    return worst.reason, worst.text


def _read_messages(answer: _Answer, names: Mapping[str, str]) -> list[ReportedMessage]:
    messages = [
        ReportedMessage(one.reason, one.text, _SEVERITIES[one.severity], names.get(one.target, one.target))
        for one in answer.messages
    ]
    # The last message of an answer in progress is that of the SDK, for operators that do not know of progress.
    return messages[:-1] if answer.HasField("progress") else messages


def _read_events(answer: _Answer, names: Mapping[str, str]) -> list[ReportedEvent]:
    return [
        ReportedEvent(
            one.reason,
            one.message,
            "Warning" if one.type == resource_pb2.EVENT_TYPE_WARNING else "Normal",
            names.get(one.target, one.target),
        )
        for one in answer.events
    ]


def _read_progress(answer: _Answer) -> Progress | None:
    if not answer.HasField("progress"):
        return None
    progress = answer.progress
    percentage = progress.percentage if progress.HasField("percentage") else None
    after = _seconds(answer, "retry_after", answer.retry_after)
    return Progress(percentage, progress.message, progress.token, after)


def _read_requirements(answer: _Answer) -> dict[str, Requirement]:
    return {
        name: Requirement(one.api_version, one.kind, one.name, dict(one.labels), one.namespace)
        for name, one in answer.requirements.items()
    }


def _read_dependents(dependents: plugin_pb2.Dependents) -> list[Dependent]:
    read = []
    for item in dependents.items:
        manifest = _decoder.decode(item)
        # A dependent without rules has the defaults.
        rules = dependents.rules.get(dependent_name(item), plugin_pb2.DependentRules())
        read.append(
            Dependent(
                manifest,
                depends_on=tuple(rules.depends_on),
                ready_when=rules.ready_when,
                ready_timeout=_duration(rules.ready_timeout) if rules.HasField("ready_timeout") else None,
                include_when=rules.include_when,
                policy=_POLICIES.get(rules.policy, "Apply"),
                retain=rules.retain,
            )
        )
    return read


def _seconds(
    answer: _Answer, field: Literal["retry_after", "requeue_after", "valid_for"], duration: Duration
) -> float | None:
    present = {descriptor.name for descriptor, _ in answer.ListFields()}
    return _duration(duration) if field in present else None


def _duration(duration: Duration) -> float:
    return duration.ToTimedelta().total_seconds()
