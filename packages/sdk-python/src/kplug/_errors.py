"""What a plugin raises, and what the SDK raises to its author."""

from __future__ import annotations

from datetime import timedelta


class PluginError(Exception):
    """The base of every error of this package."""


class Failure(PluginError):
    """The work of a call isn't done. Raise `Retry` or `Terminal` to say what should happen next."""

    def __init__(self, message: str, *, reason: str = "Failed") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason


class Retry(Failure):
    """A failure that goes away by itself: try again.

    `reason` is why, in one PascalCase word, for the status. `after` is when to try again, in seconds or as a
    `timedelta`; without it the controller's exponential back-off decides.
    """

    def __init__(self, message: str, *, reason: str = "Failed", after: float | timedelta | None = None) -> None:
        super().__init__(message, reason=reason)
        self.after = after


class Terminal(Failure):
    """A failure that stays until the resource, an extension or the plugin changes.

    `reason` is why, in one PascalCase word, for the status.
    """


class InvalidDefinition(PluginError):
    """The plugin is defined, or configured by its environment, in a way that can't work."""


class CannotServe(PluginError):
    """The plugin can't listen on its address."""
