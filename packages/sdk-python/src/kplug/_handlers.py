"""Handlers of the calls of a plugin, over any transport."""

from __future__ import annotations

import asyncio
import logging
import threading
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timezone
from typing import Any, TypeVar

import msgspec

from kplug._answer_size import check_size
from kplug._author import AuthorCalls
from kplug._call import Assignment, Call, Capability, FinalizeCall
from kplug._definition import Definition, Implementation, Models
from kplug._dependents import Dependents
from kplug._durations import to_duration
from kplug._encoding import encode_finalize_result, encode_result
from kplug._errors import Failure, Retry, Terminal
from kplug._extensions import Extensions
from kplug._logs import resource_log
from kplug._models import InvalidSpec, Model
from kplug._progress import read_operation
from kplug._requirements import encode_requirements, read_required, unfinished
from kplug._resource import Json, Resource, read_resource
from kplug._tracing import CallSpan, traced
from kplug.v1 import plugin_pb2, resource_pb2

_Request = plugin_pb2.ReconcileRequest | plugin_pb2.FinalizeRequest
_Response = TypeVar("_Response", plugin_pb2.ReconcileResponse, plugin_pb2.FinalizeResponse)

_MAX_LOGGED = 100
"""Maximum number of tracebacks that are remembered, so that each is logged once."""

_decoder = msgspec.json.Decoder(dict[str, Any])


class _InvalidResources(Exception):
    """Resources that don't match their models."""

    def __init__(self, by_target: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(text for _, text in by_target))
        self.by_target = by_target


class Handlers:
    """Answers calls by the functions of the author."""

    def __init__(self, definition: Definition, calls: AuthorCalls, log: logging.Logger, max_answer_size: int) -> None:
        self._definition = definition
        self._calls = calls
        self._log = log
        self._max_answer_size = max_answer_size
        self._logged: set[str] = set()

    async def reconcile(self, request: plugin_pb2.ReconcileRequest) -> plugin_pb2.ReconcileResponse:
        """Answers a call of Reconcile. A failure is a response too."""

        async def answer(span: CallSpan) -> plugin_pb2.ReconcileResponse:
            implementation = self._find(request)
            call = self._read(request, implementation.models)
            span.is_for(call.base)
            result = await self._calls.call(implementation.reconcile, call, call.cancelled, _uid(call))
            response = encode_result(result, call.extensions)
            for name, requirement in encode_requirements(result.require if result else {}, request).items():
                response.requirements[name].CopyFrom(requirement)
            return response

        with traced("Reconcile", request) as span:
            response = await self._answering(request, lambda: answer(span), plugin_pb2.ReconcileResponse, span)
            span.answered(response)
            return response

    async def finalize(self, request: plugin_pb2.FinalizeRequest) -> plugin_pb2.FinalizeResponse:
        """Answers a call of Finalize. A failure is a response too."""

        async def answer(span: CallSpan) -> plugin_pb2.FinalizeResponse:
            implementation = self._find(request)
            if implementation.finalize is None:
                return plugin_pb2.FinalizeResponse(outcome=plugin_pb2.OUTCOME_SUCCESS)
            # A resource that was valid once and edited since must be finalized too.
            call = self._read(request, implementation.models, lenient=True)
            handed_over = request.cause == plugin_pb2.FINALIZE_CAUSE_HANDED_OVER
            finalizing = FinalizeCall(**vars(call), cause="handed_over" if handed_over else "deleted")
            span.is_for(call.base)
            result = await self._calls.call(implementation.finalize, finalizing, call.cancelled, _uid(call))
            response = encode_finalize_result(result, call.extensions)
            return unfinished(result.require if result else {}, request) or response

        with traced("Finalize", request) as span:
            response = await self._answering(request, lambda: answer(span), plugin_pb2.FinalizeResponse, span)
            span.answered(response)
            return response

    def _find(self, request: _Request) -> Implementation:
        """Returns the implementation of the API of a request. Raises `Terminal` if there is none."""
        assignment = request.assignment
        implementation = self._definition.find(assignment.api, assignment.api_version)
        if implementation is None:
            raise Terminal(f'this plugin doesn\'t implement the API "{assignment.api}"', reason="UnknownApi")
        return implementation

    def _read(self, request: _Request, models: Models, *, lenient: bool = False) -> Call[Any]:
        """Converts a request for the author's function. Raises `_InvalidResources`, unless it is lenient."""
        invalid: list[tuple[str, str]] = []

        def fit(target: str, raw: Json, model: Model[Any] | None) -> Resource[Any]:
            resource = read_resource(raw)
            try:
                return resource if model is None else replace(resource, spec=model(resource.spec))
            except InvalidSpec as error:
                invalid.append((target, f"{resource} is invalid: {error}"))
                return resource

        base = fit("", _decoder.decode(request.base.json), models.base)
        extensions: dict[str, Resource[Any]] = {}
        for key in sorted(request.extensions):
            raw = _decoder.decode(request.extensions[key].json)
            extensions[key] = fit(key, raw, models.extensions.get(raw.get("kind", "")))
        if invalid and not lenient:
            raise _InvalidResources(invalid)

        context, assignment = request.context, request.assignment
        return Call(
            base=base,
            extensions=Extensions(extensions, models.types),
            dependents=Dependents(
                [read_resource(_decoder.decode(request.dependents[key].json)) for key in sorted(request.dependents)]
            ),
            required=read_required(request),
            assignment=Assignment(
                delegation=assignment.delegation,
                api=assignment.api,
                api_version=assignment.api_version,
                reason=assignment.reason,
                message=assignment.message,
            ),
            capability=_read_capability(assignment),
            operation=read_operation(request),
            attempt=context.attempt or 1,
            deadline=context.deadline.ToDatetime(timezone.utc) if context.HasField("deadline") else None,
            cancelled=threading.Event(),
            traceparent=context.traceparent,
            tracestate=context.tracestate,
            log=resource_log(self._log, base),
        )

    async def _answering(
        self,
        request: _Request,
        answer: Callable[[], Awaitable[_Response]],
        respond: Callable[..., _Response],
        span: CallSpan,
    ) -> _Response:
        """Converts an exception of the author's function into a response with a reason for the user."""
        try:
            return check_size(await answer(), self._max_answer_size)
        except _InvalidResources as invalid:
            messages = [_error("InvalidSpec", text, target) for target, text in invalid.by_target]
            return respond(outcome=plugin_pb2.OUTCOME_TERMINAL, messages=messages)
        except Terminal as terminal:
            return respond(outcome=plugin_pb2.OUTCOME_TERMINAL, messages=[_error(terminal.reason, terminal.message)])
        except Failure as failure:
            after = to_duration(failure.after) if isinstance(failure, Retry) else None
            messages = [_error(failure.reason, failure.message)]
            return respond(outcome=plugin_pb2.OUTCOME_RETRY, messages=messages, retry_after=after)
        except asyncio.CancelledError:
            self._log.debug("call cancelled at attempt %d", request.context.attempt)
            raise
        except Exception as error:
            span.threw(error)
            self._log_unexpected(error, request.context.attempt)
            # With the class of the exception: the message of a KeyError alone is just the key.
            text = "".join(traceback.format_exception_only(error)).strip()
            return respond(outcome=plugin_pb2.OUTCOME_RETRY, messages=[_error("PluginError", text)])

    def _log_unexpected(self, error: Exception, attempt: int) -> None:
        """Logs an error, with its traceback unless that was logged before: each error is retried."""
        trace = "".join(traceback.format_tb(error.__traceback__))
        if trace in self._logged:
            text = "".join(traceback.format_exception_only(error)).strip()
            self._log.error("call failed again with an unexpected error at attempt %d: %s", attempt, text)
            return
        if len(self._logged) == _MAX_LOGGED:
            self._logged.clear()
        self._logged.add(trace)
        self._log.error("call failed with an unexpected error at attempt %d", attempt, exc_info=error)


def _uid(call: Call[Any]) -> str:
    return call.base.metadata.uid or ""


def _error(reason: str, text: str, target: str = "") -> resource_pb2.Message:
    return resource_pb2.Message(severity=resource_pb2.SEVERITY_ERROR, reason=reason, text=text, target=target)


def _read_capability(assignment: plugin_pb2.Assignment) -> Capability | None:
    if not assignment.HasField("capability"):
        return None
    given = assignment.capability
    return Capability(given.category, given.type, given.version, given.previous_version)
