"""Security of a plugin, as its settings demand it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path

from kplug._errors import InvalidDefinition

SECRETS_FOLDER = "/var/run/secrets/kplug"
"""Folder where the token and the CA bundle are mounted in the pod of a plugin."""

NO_CONTROLLER = "none"
"""Value of `controller` for a plugin that sends no heartbeats."""

_DEFAULT_PORT = 7000
"""Port of a plugin that sends no heartbeats."""

_UNPROTECTED = "heartbeats and calls are neither encrypted nor authenticated"

_LOOPBACK = re.compile(r"(localhost|127\.[0-9.]+|\[::1\]):[0-9]+", re.IGNORECASE)

_TOKEN = re.compile(r"[\x21-\x7e]+")
"""Characters that can be sent as metadata."""


@dataclass(frozen=True, kw_only=True)
class GivenSecurity:
    """Settings as given, from which the security follows."""

    controller: str
    bind_address: str | None = None
    token: str | None = field(default=None, repr=False)
    token_file: str | None = None
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    tls_server_name: str | None = None
    insecure: bool = False


@dataclass(frozen=True)
class KeyFiles:
    """Paths of a plugin's own key and certificate."""

    key: str
    certificate: str


@dataclass(frozen=True)
class TlsSettings:
    """Files and names of a plugin with TLS."""

    ca: str
    """Path of the operator's CA bundle."""
    server_name: str
    """Name in the certificate of the operator's heartbeat service."""
    files: KeyFiles | None = None
    """Key and certificate; `None` for those made in memory."""


@dataclass(frozen=True)
class PlainText:
    """Neither encryption nor authentication of the operator."""

    warning: str | None = None
    """Warning to log at each start."""


Security = TlsSettings | PlainText


def read_security(given: GivenSecurity, folder: str = SECRETS_FOLDER) -> Security:
    """Derives the security: plain text on the loopback interface and where it is demanded; otherwise TLS.

    Raises `InvalidDefinition` where TLS is needed and not configured.
    """
    if bool(given.tls_cert) != bool(given.tls_key):
        raise InvalidDefinition("set both KPLUG_TLS_CERT and KPLUG_TLS_KEY, or neither")
    if given.insecure:
        return PlainText(f"KPLUG_INSECURE is set: {_UNPROTECTED}")
    mounted = Path(folder, "ca.crt")
    ca = given.tls_ca or (str(mounted) if mounted.parent.exists() else None)
    if ca is not None:
        return _tls_settings(given, ca)
    if given.tls_cert or given.tls_server_name:
        raise InvalidDefinition("TLS needs the CA bundle of the operator as well; set KPLUG_TLS_CA")
    sends_heartbeats = given.controller != NO_CONTROLLER
    if _is_loopback(given.controller if sends_heartbeats else given.bind_address or ""):
        return PlainText()
    place = f"the operator {given.controller} is remote" if sends_heartbeats else "the plugin sends no heartbeats"
    raise InvalidDefinition(
        f"{place}, and calls need TLS: set KPLUG_TLS_CA to the file of the operator's CA bundle, mounted as "
        f"{Path(SECRETS_FOLDER, 'ca.crt')} by default; or set KPLUG_INSECURE=true for plain text, which protects "
        "neither heartbeats nor calls"
    )


def _tls_settings(given: GivenSecurity, ca: str) -> TlsSettings:
    server_name = given.tls_server_name or host_of(given.controller)
    if given.tls_cert and given.tls_key:
        return TlsSettings(ca, server_name, KeyFiles(key=given.tls_key, certificate=given.tls_cert))
    if given.controller != NO_CONTROLLER:
        return TlsSettings(ca, server_name)
    raise InvalidDefinition(
        "a plugin that sends no heartbeats can register no certificate of its own; set KPLUG_TLS_CERT and "
        "KPLUG_TLS_KEY, or KPLUG_INSECURE=true for plain text"
    )


def read_token_file(given: GivenSecurity, folder: str = SECRETS_FOLDER) -> str | None:
    """Returns the file with the plugin's token, by default the one that is mounted in its pod, if it exists.

    A token that is given itself takes precedence over the default. Raises `InvalidDefinition`.
    """
    if given.token and given.token_file:
        raise InvalidDefinition("set KPLUG_TOKEN or KPLUG_TOKEN_FILE, not both")
    if given.token and not is_token(given.token):
        raise InvalidDefinition("KPLUG_TOKEN must have visible ASCII characters only")
    mounted = Path(folder, "token")
    return given.token_file or (str(mounted) if not given.token and mounted.exists() else None)


def read_bind_address(given: GivenSecurity, security: Security) -> str:
    """Returns the address to listen on.

    Without a host it is one of the interfaces on which the plugin may be called. Raises `InvalidDefinition`.
    """
    controller, wanted = given.controller, given.bind_address or ""
    only_port = re.fullmatch(r":([0-9]+)", wanted)
    if wanted and only_port is None:
        if isinstance(security, TlsSettings) or security.warning is not None or _is_loopback(wanted):
            return wanted
        raise InvalidDefinition(
            f"the plugin would accept calls on {wanted} from other machines without TLS; set KPLUG_TLS_CA, or "
            "KPLUG_INSECURE=true, or a loopback address as KPLUG_BIND_ADDRESS"
        )
    if controller == NO_CONTROLLER:
        return f"[::]:{only_port[1] if only_port else _DEFAULT_PORT}"
    host = host_of(controller) if _is_loopback(controller) else "::"
    # The operator calls back on the address family that the heartbeats come from. For `localhost` that is either, so it
    # stays a name: gRPC listens on every address of a name.
    if host.startswith("127."):
        host = "127.0.0.1"
    return f"{f'[{host}]' if ':' in host else host}:{only_port[1] if only_port else 0}"


def is_token(text: str) -> bool:
    """Reports whether a text can be sent as a token."""
    return _TOKEN.fullmatch(text) is not None


def is_ip_address(host: str) -> bool:
    """Reports whether a host is an IP address instead of a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def host_of(controller: str) -> str:
    """Returns the host of `host:port`, with or without the prefix `dns:`."""
    authority = re.sub(r"^dns:(//[^/]*/)?/*", "", controller)
    return re.sub(r":[0-9]+$", "", authority).removeprefix("[").removesuffix("]")


def _is_loopback(address: str) -> bool:
    return _LOOPBACK.fullmatch(address) is not None
