"""Conversion of durations."""

from __future__ import annotations

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration


def to_duration(time: float | timedelta | None) -> Duration | None:
    """Converts seconds or a `timedelta` for the protocol."""
    if time is None:
        return None
    duration = Duration()
    duration.FromTimedelta(time if isinstance(time, timedelta) else timedelta(seconds=time))
    return duration
