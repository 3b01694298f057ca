"""Conversion of operations in progress."""

from __future__ import annotations

from datetime import timezone

from kplug._call import Operation
from kplug._errors import PluginError
from kplug._result import Progress
from kplug.v1 import plugin_pb2, resource_pb2

_MAX_PERCENTAGE = 100


def encode_progress(progress: Progress | None) -> plugin_pb2.Progress | None:
    """Encodes progress for a response. Raises for an invalid percentage."""
    if progress is None:
        return None
    percentage = progress.percentage
    if percentage is not None and not (isinstance(percentage, int) and 0 <= percentage <= _MAX_PERCENTAGE):
        raise PluginError(f"the plugin returned the percentage {percentage}; it must be an integer from 0 to 100")
    return plugin_pb2.Progress(percentage=percentage, message=progress.message, token=progress.token)


def progress_messages(progress: Progress | None) -> list[resource_pb2.Message]:
    """Describes progress to controllers that do not know of it, and take the answer for a failure."""
    if progress is None:
        return []
    state = "in progress" if progress.percentage is None else f"{progress.percentage} % done"
    text = f"{state}: {progress.message}" if progress.message else state
    return [resource_pb2.Message(severity=resource_pb2.SEVERITY_INFO, reason="InProgress", text=text)]


def read_operation(request: plugin_pb2.ReconcileRequest | plugin_pb2.FinalizeRequest) -> Operation | None:
    """Reads the operation of a request."""
    if not request.HasField("operation"):
        return None
    operation = request.operation
    progress = operation.progress
    return Operation(
        percentage=progress.percentage if progress.HasField("percentage") else None,
        message=progress.message,
        token=progress.token,
        generation=operation.generation,
        started_at=operation.started_at.ToDatetime(timezone.utc),
        cancelled=operation.cancelled,
    )
