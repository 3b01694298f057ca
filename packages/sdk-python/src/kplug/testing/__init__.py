"""Test kit for plugins: calls a plugin in the process of a test, without an operator and without a socket."""

from kplug._errors import InvalidInput
from kplug.testing._answers import FinalizeAnswer, Outcome, ReconcileAnswer, ReportedEvent, ReportedMessage
from kplug.testing._inputs import (
    AssignmentInput,
    BaseInput,
    CallInput,
    CapabilityInput,
    ExtensionInput,
    FinalizeInput,
    Manifest,
    MetadataInput,
    OperationInput,
)
from kplug.testing._tester import PluginTester

__all__ = [
    "AssignmentInput",
    "BaseInput",
    "CallInput",
    "CapabilityInput",
    "ExtensionInput",
    "FinalizeAnswer",
    "FinalizeInput",
    "InvalidInput",
    "Manifest",
    "MetadataInput",
    "OperationInput",
    "Outcome",
    "PluginTester",
    "ReconcileAnswer",
    "ReportedEvent",
    "ReportedMessage",
]
