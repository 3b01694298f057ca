"""SDK for Kplug plugins: serves a reconcile function over gRPC, registers it and sends heartbeats."""

from kplug._api import Api, Provided
from kplug._call import Assignment, Call, Capability, FinalizeCall, Operation, Required
from kplug._capability_owner import CapabilityOwner
from kplug._define_capability import CapabilityDefinition, define_capability
from kplug._dependents import Dependents
from kplug._errors import CannotServe, Failure, InvalidDefinition, PluginError, Retry, Terminal
from kplug._extensions import Extensions
from kplug._implementation import ApiImplementation
from kplug._names import name_from
from kplug._plugin import Plugin
from kplug._resource import Metadata, Resource
from kplug._result import Condition, Dependent, Event, FinalizeResult, Message, Progress, Requirement, Result
from kplug._running import RunningPlugin
from kplug._settings import Pod, ServeOptions

__all__ = [
    "Api",
    "ApiImplementation",
    "Assignment",
    "Call",
    "CannotServe",
    "Capability",
    "CapabilityDefinition",
    "CapabilityOwner",
    "Condition",
    "Dependent",
    "Dependents",
    "Event",
    "Extensions",
    "Failure",
    "FinalizeCall",
    "FinalizeResult",
    "InvalidDefinition",
    "Message",
    "Metadata",
    "Operation",
    "Plugin",
    "PluginError",
    "Pod",
    "Progress",
    "Provided",
    "Required",
    "Requirement",
    "Resource",
    "Result",
    "Retry",
    "RunningPlugin",
    "ServeOptions",
    "Terminal",
    "define_capability",
    "name_from",
]
