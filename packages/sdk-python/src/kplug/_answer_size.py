"""Size of answers."""

from __future__ import annotations

from typing import TypeVar

from kplug._errors import Retry
from kplug.v1 import plugin_pb2

_Response = TypeVar("_Response", plugin_pb2.ReconcileResponse, plugin_pb2.FinalizeResponse)

_OVERHEAD = 64
"""Bytes that a stream adds to an answer."""


def check_size(response: _Response, max_size: int) -> _Response:
    """Returns a response, or raises `Retry` if it is larger than `max_size` bytes.

    A controller refuses larger ones, and one on a shared stream would end the calls of other resources too.
    """
    size = response.ByteSize() + _OVERHEAD
    if size <= max_size:
        return response
    text = f"the answer has {size:,} bytes; at most {max_size:,} can be sent: return less, such as a shorter status"
    raise Retry(f"{text} ({_describe_parts(response)})", reason="AnswerTooLarge")


def _describe_parts(response: _Response) -> str:
    if not isinstance(response, plugin_pb2.ReconcileResponse):
        return f"messages and events: {len(response.messages) + len(response.events):,}"
    extensions = sum(len(status) for status in response.extension_statuses.values())
    dependents = sum(len(item) for item in response.dependents.items)
    status = len(response.base_status)
    return f"status: {status:,} bytes, extensions' statuses: {extensions:,} bytes, dependents: {dependents:,} bytes"
