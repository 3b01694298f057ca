"""Exceptions that a plugin raises, and those that the SDK raises."""

from __future__ import annotations

from datetime import timedelta


class PluginError(Exception):
    """Base class of all exceptions of this package."""


class Failure(PluginError):
    """Failure of a call. Raise `Retry` or `Terminal` to choose whether it is retried."""

    def __init__(self, message: str, *, reason: str = "Failed") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason


class Retry(Failure):
    """Transient failure, which is retried.

    `reason` is the reason for the status, in one PascalCase word. `after` is the delay before the retry, in seconds or
    as a `timedelta`; the default is the exponential back-off of the controller.
    """

    def __init__(self, message: str, *, reason: str = "Failed", after: float | timedelta | None = None) -> None:
        super().__init__(message, reason=reason)
        self.after = after


class Terminal(Failure):
    """Permanent failure, which is not retried until the resource, an extension or the plugin changes.

    `reason` is the reason for the status, in one PascalCase word.
    """


class InvalidDefinition(PluginError):
    """The definition of the plugin, or an environment variable, is invalid."""


class CannotServe(PluginError):
    """The plugin can't listen on its address."""


class InvalidInput(PluginError):
    """A test calls the plugin with invalid input."""
