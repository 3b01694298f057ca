"""What deployment decides of a plugin: from options, else from the environment, else by default."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from typing_extensions import TypedDict

from kplug._errors import InvalidDefinition

NO_CONTROLLER = "none"
"""What the controller is of a plugin that doesn't beat."""

LOG_LEVELS = ("debug", "info", "warn", "error", "silent")

_LOOPBACK = re.compile(r"(localhost|127\.[0-9.]+|\[::1\]):[0-9]+")


class Pod(NamedTuple):
    """A pod, by the downward API."""

    namespace: str
    name: str


class ServeOptions(TypedDict, total=False):
    """What deployment decides of a plugin. Each is taken from the environment unless given. Times are in seconds."""

    controller: str
    """Where the controller's heartbeat service is, as `host:port`; `none` for a plugin that is found by its Service or
    address, and doesn't beat. `KPLUG_CONTROLLER`, default `localhost:50050`."""
    address: str
    """The address that the controller reaches the plugin at. `KPLUG_ADDRESS`, default: the port listened on, at the
    address that beats come from."""
    bind_address: str
    """Where to listen. `KPLUG_BIND_ADDRESS`, default any free port, on loopback only if the controller is there;
    `:7000` if the plugin doesn't beat."""
    instance_id: str
    """What tells this process from every other. `KPLUG_INSTANCE_ID`, default a new UUID."""
    token: str
    """What proves to a controller that this is the process it started. `KPLUG_TOKEN`, which it sets; default none."""
    weight: int
    """How much of the work this plugin should get, 0 to 1000. `KPLUG_WEIGHT`, default 100."""
    labels: Mapping[str, str]
    """Labels for people and tools. `KPLUG_LABELS` as `zone=a,tier=gold`."""
    pod: Pod
    """The pod that the plugin runs in. `KPLUG_POD_NAMESPACE` and `KPLUG_POD_NAME`, default none."""
    interval: float
    """How often to beat. `KPLUG_HEARTBEAT_INTERVAL`, in milliseconds there; default what the controller says."""
    ttl: float
    """How long to be believed without a beat. `KPLUG_TTL`, in milliseconds there; default what the controller says."""
    drain_timeout: float
    """How long calls may take to end when the plugin stops. `KPLUG_DRAIN_TIMEOUT`, in milliseconds there; default
    25 s."""
    max_message_size: int
    """The largest request that is taken, in bytes. `KPLUG_MAX_MESSAGE_SIZE`, default 4 MiB."""
    log_level: str
    """`KPLUG_LOG_LEVEL`: `debug`, `info`, `warn`, `error` or `silent`. Default `info`."""


@dataclass(frozen=True)
class Settings:
    """Options with every default filled in."""

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
    log_level: str = "info"

    def __post_init__(self) -> None:
        """Raises `InvalidDefinition` for a level that is none, and decides where to listen."""
        if self.log_level not in LOG_LEVELS:
            raise InvalidDefinition(f'the log level is "{self.log_level}"; it must be one of {", ".join(LOG_LEVELS)}')
        if not self.bind_address:
            object.__setattr__(self, "bind_address", _bind_address_for(self.controller))


def _bind_address_for(controller: str) -> str:
    if controller == NO_CONTROLLER:
        return "[::]:7000"
    return "127.0.0.1:0" if _LOOPBACK.fullmatch(controller) else "[::]:0"


def read_settings(options: ServeOptions, environment: Mapping[str, str]) -> Settings:
    """Fills in what isn't given from the environment, then from the defaults. Raises `InvalidDefinition`."""
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
    raise InvalidDefinition("KPLUG_POD_NAMESPACE and KPLUG_POD_NAME must be given both, or neither")


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
