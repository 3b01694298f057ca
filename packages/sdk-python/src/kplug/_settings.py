"""Settings that depend on the deployment: from options, else from the environment, else the defaults."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from typing_extensions import TypedDict

from kplug._errors import InvalidDefinition
from kplug._security._settings import (
    GivenSecurity,
    PlainText,
    Security,
    read_bind_address,
    read_security,
    read_token_file,
)

DEFAULT_CONTROLLER = "localhost:50050"
"""Address of the heartbeat service of an operator on this machine."""

LOG_LEVELS = ("debug", "info", "warn", "error", "silent")

_SECURITY_OPTIONS = ("tls_ca", "tls_cert", "tls_key", "tls_server_name", "insecure")
"""Options that `Settings.security` sums up."""


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
    on it and on all interfaces otherwise; `:7000` if the plugin sends no heartbeats. `:port` chooses the port only."""
    instance_id: str
    """Id of this process, different from that of any other. `KPLUG_INSTANCE_ID`, default a new UUID."""
    token: str
    """Token that proves the plugin's identity to the controller, which sets it as `KPLUG_TOKEN` for a plugin that it
    starts. Default none."""
    token_file: str
    """File with the token, which is read again when it changes. Not together with `token`. `KPLUG_TOKEN_FILE`, default
    `/var/run/secrets/kplug/token` if that file exists."""
    tls_ca: str
    """File with the CA bundle (PEM) that verifies the controller, both as the receiver of heartbeats and as the caller
    of the plugin. It is read again when it changes, and may appear later. Required for TLS. `KPLUG_TLS_CA`, default
    `/var/run/secrets/kplug/ca.crt` if its folder exists."""
    tls_cert: str
    """File with the plugin's certificate and its intermediate ones (PEM), also presented to the controller. It is read
    again when it changes. `KPLUG_TLS_CERT`, default a self-signed certificate that is made in memory, and that the
    plugin registers."""
    tls_key: str
    """File with the private key of `tls_cert` (PEM). `KPLUG_TLS_KEY`."""
    tls_server_name: str
    """Name that the controller's certificate must have. `KPLUG_TLS_SERVER_NAME`, default the host of `controller`."""
    insecure: bool
    """Plain text in both directions, so that heartbeats and calls are neither encrypted nor authenticated. Needed for
    plain text on any but the loopback interface. Logged as a warning. `KPLUG_INSECURE`, `true` or `false`, default
    false."""
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

    controller: str = DEFAULT_CONTROLLER
    address: str = ""
    bind_address: str = ""
    instance_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    token: str | None = field(default=None, repr=False)
    token_file: str | None = None
    security: Security = field(default_factory=PlainText)
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
        """Validates the log level. Raises `InvalidDefinition`."""
        if self.log_level not in LOG_LEVELS:
            raise InvalidDefinition(f'the log level is "{self.log_level}"; it must be one of {", ".join(LOG_LEVELS)}')


def read_settings(options: ServeOptions, environment: Mapping[str, str]) -> Settings:
    """Fills in missing options from the environment, then from the defaults. Raises `InvalidDefinition`."""
    unknown = next((name for name in options if name not in ServeOptions.__annotations__), None)
    if unknown is not None:
        raise InvalidDefinition(f'there is no option "{unknown}" to serve a plugin with')
    from_environment = _read_environment(environment)
    if "token" in options or "token_file" in options:
        # An option takes precedence over both variables of the token.
        del from_environment["token"], from_environment["token_file"]
    given = {name: value for name, value in from_environment.items() if value is not None}
    given = {"controller": DEFAULT_CONTROLLER, **given, **options}
    given_security = GivenSecurity(**{name: given[name] for name in given if name in GivenSecurity.__annotations__})
    security = read_security(given_security)
    derived = {
        "bind_address": read_bind_address(given_security, security),
        "token_file": read_token_file(given_security),
        "security": security,
    }
    others = {name: value for name, value in given.items() if name not in _SECURITY_OPTIONS}
    return Settings(**{**others, **derived})


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
        "token_file": text("KPLUG_TOKEN_FILE"),
        "tls_ca": text("KPLUG_TLS_CA"),
        "tls_cert": text("KPLUG_TLS_CERT"),
        "tls_key": text("KPLUG_TLS_KEY"),
        "tls_server_name": text("KPLUG_TLS_SERVER_NAME"),
        "insecure": _read_boolean("KPLUG_INSECURE", text("KPLUG_INSECURE")),
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


def _read_boolean(variable: str, text: str | None) -> bool | None:
    if text is None:
        return None
    if text not in {"true", "false"}:
        raise InvalidDefinition(f'{variable} is "{text}"; it must be true or false')
    return text == "true"


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
