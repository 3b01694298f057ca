"""Settings that depend on the deployment: from options, else from the environment, else the defaults."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from typing_extensions import TypedDict

from kplug._errors import InvalidDefinition

NO_CONTROLLER = "none"
"""Value of `controller` for a plugin that sends no heartbeats."""

LOG_LEVELS = ("debug", "info", "warn", "error", "silent")

_LOOPBACK = re.compile(r"(localhost|127\.[0-9.]+|\[::1\]):[0-9]+")
"""Address of a controller on this machine. Its group is the host."""


class Pod(NamedTuple):
    """Pod, from the downward API."""

    namespace: str
    name: str


class ServeOptions(TypedDict, total=False):
    """Settings that depend on the deployment. Each one that is not given is read from its environment variable.

    Durations are in seconds here, and in milliseconds in the environment.
    """

    controller: str
    """Address of the controller's heartbeat service, as `host:port`; `none` for a plugin that sends no heartbeats,
    because the controller finds it by its Service or address. `KPLUG_CONTROLLER`, default `localhost:50050`."""
    address: str
    """Address at which the controller reaches the plugin, as `host:port`, or `:port` on the host that the heartbeats
    come from. `KPLUG_ADDRESS`, default the port that the plugin listens on."""
    bind_address: str
    """Address to listen on. `KPLUG_BIND_ADDRESS`. Default a free port, on the loopback interface if the controller is
    on it and on all interfaces otherwise; `:7000` if the plugin sends no heartbeats."""
    instance_id: str
    """Id of this process, different from that of any other. `KPLUG_INSTANCE_ID`, default a new UUID."""
    token: str
    """Token that authenticates the plugin to a controller that started it. The controller sets it as `KPLUG_TOKEN`.
    Default none."""
    weight: int
    """Weight of this instance when work is distributed, 0 to 1000. `KPLUG_WEIGHT`, default 100."""
    labels: Mapping[str, str]
    """Labels for people and tools, at most 32. `KPLUG_LABELS` as `zone=a,tier=gold`, default none."""
    pod: Pod
    """Pod that the plugin runs in. `KPLUG_POD_NAMESPACE` and `KPLUG_POD_NAME`, default none."""
    interval: float
    """Requested interval between heartbeats. `KPLUG_HEARTBEAT_INTERVAL`, default the controller's."""
    ttl: float
    """Requested duration of the lease after a heartbeat. `KPLUG_TTL`, default the controller's."""
    drain_timeout: float
    """Longest wait for in-flight calls when the plugin stops. `KPLUG_DRAIN_TIMEOUT`, default 25 s."""
    max_message_size: int
    """Largest request that is accepted, in bytes. `KPLUG_MAX_MESSAGE_SIZE`, default 4 MiB."""
    max_answer_size: int
    """Largest answer that is sent, in bytes; a larger one fails the call. `KPLUG_MAX_ANSWER_SIZE`, default 4 MiB, which
    controllers accept by default."""
    log_level: str
    """Log level: `debug`, `info`, `warn`, `error` or `silent`. `KPLUG_LOG_LEVEL`, default `info`."""


@dataclass(frozen=True)
class Settings:
    """Options with all defaults filled in."""

    controller: str = "localhost:50050"
    address: str = ""
    bind_address: str = ""
    instance_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    token: str | None = field(default=None, repr=False)
    weight: int = 100
    labels: Mapping[str, str] = field(default_factory=dict)
    pod: Pod | None = None
    interval: float | None = None
    ttl: float | None = None
    drain_timeout: float = 25.0
    max_message_size: int = 4 * 1024 * 1024
    max_answer_size: int = 4 * 1024 * 1024
    log_level: str = "info"

    def __post_init__(self) -> None:
        """Validates the log level and sets the default of `bind_address`. Raises `InvalidDefinition`."""
        if self.log_level not in LOG_LEVELS:
            raise InvalidDefinition(f'the log level is "{self.log_level}"; it must be one of {", ".join(LOG_LEVELS)}')
        if not self.bind_address:
            object.__setattr__(self, "bind_address", _bind_address_for(self.controller))


def _bind_address_for(controller: str) -> str:
    if controller == NO_CONTROLLER:
        return "[::]:7000"
    local = _LOOPBACK.fullmatch(controller)
    if local is None:
        return "[::]:0"
    # The controller calls back on the address family that the heartbeats come from. For `localhost` that is either, so
    # it stays a name: gRPC listens on every address of a name.
    return "127.0.0.1:0" if local[1].startswith("127.") else f"{local[1]}:0"


def read_settings(options: ServeOptions, environment: Mapping[str, str]) -> Settings:
    """Fills in missing options from the environment, then from the defaults. Raises `InvalidDefinition`."""
    unknown = next((name for name in options if name not in ServeOptions.__annotations__), None)
    if unknown is not None:
        raise InvalidDefinition(f'there is no option "{unknown}" to serve a plugin with')
    given = {name: value for name, value in _read_environment(environment).items() if value is not None}
    return Settings(**{**given, **options})


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    def text(variable: str) -> str | None:
        return environment.get(variable) or None

    def number(variable: str) -> int | None:
        return _read_number(variable, text(variable))

    def seconds(variable: str) -> float | None:
        milliseconds = number(variable)
        return None if milliseconds is None else milliseconds / 1000

    return {
        "controller": text("KPLUG_CONTROLLER"),
        "address": text("KPLUG_ADDRESS"),
        "bind_address": text("KPLUG_BIND_ADDRESS"),
        "instance_id": text("KPLUG_INSTANCE_ID"),
        "token": text("KPLUG_TOKEN"),
        "weight": number("KPLUG_WEIGHT"),
        "labels": _read_labels(text("KPLUG_LABELS")),
        "pod": _read_pod(text("KPLUG_POD_NAMESPACE"), text("KPLUG_POD_NAME")),
        "interval": seconds("KPLUG_HEARTBEAT_INTERVAL"),
        "ttl": seconds("KPLUG_TTL"),
        "drain_timeout": seconds("KPLUG_DRAIN_TIMEOUT"),
        "max_message_size": number("KPLUG_MAX_MESSAGE_SIZE"),
        "max_answer_size": number("KPLUG_MAX_ANSWER_SIZE"),
        "log_level": text("KPLUG_LOG_LEVEL"),
    }


def _read_number(variable: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]+", text):
        raise InvalidDefinition(f'{variable} is "{text}"; it must be a whole number')
    return int(text)


def _read_pod(namespace: str | None, name: str | None) -> Pod | None:
    if namespace and name:
        return Pod(namespace, name)
    if not namespace and not name:
        return None
    raise InvalidDefinition("set both KPLUG_POD_NAMESPACE and KPLUG_POD_NAME, or neither")


def _read_labels(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    labels: dict[str, str] = {}
    for pair in filter(str.strip, text.split(",")):
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise InvalidDefinition(f'KPLUG_LABELS has "{pair}"; write name=value,name=value')
        labels[name.strip()] = value.strip()
    return labels
