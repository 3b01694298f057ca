"""Proofs of a plugin for its controller."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

import grpc

from kplug._security._limits import SECRET_SIZE
from kplug._security._settings import is_ip_address
from kplug._security._tls_material import Material, TlsMaterial
from kplug._security._token_source import TokenSource


@dataclass(frozen=True, eq=False)
class Credentials:
    """Proofs of a plugin for one connection to its controller, and means to verify the controller. Never changed."""

    channel: grpc.ChannelCredentials | None
    """`None` for plain text."""
    options: tuple[tuple[str, str], ...]
    """Options of the channel."""
    metadata: tuple[tuple[str, str], ...] = field(repr=False)
    """Metadata of each call: the secret of the instance, and its token."""
    certificate: bytes
    """Certificate to register (DER); empty for a plugin without TLS."""


class CredentialSource:
    """Credentials, made again when a file of them changes."""

    def __init__(self, token: TokenSource, material: TlsMaterial | None, server_name: str = "") -> None:
        """`material` is `None` for plain text. `server_name` is the name in the controller's certificate."""
        self._token = token
        self._material = material
        self._server_name = server_name
        # Proves that later messages come from the process that registered the instance.
        self._secret = secrets.token_urlsafe(SECRET_SIZE)
        self._current: tuple[str | None, Material | None, Credentials] | None = None

    def current(self) -> Credentials | None:
        """Returns the same object as long as nothing has changed; `None` until all files exist."""
        token = self._token.current()
        material = None if self._material is None else self._material.current()
        if (self._token.needed and token is None) or (self._material is not None and material is None):
            return None
        if self._current is None or token != self._current[0] or material is not self._current[1]:
            self._current = (token, material, self._create(token, material))
        return self._current[2]

    def _create(self, token: str | None, material: Material | None) -> Credentials:
        metadata: tuple[tuple[str, str], ...] = (("kplug-secret", self._secret),)
        if token is not None:
            metadata = (*metadata, ("authorization", f"Bearer {token}"))
        if material is None:
            return Credentials(channel=None, options=(), metadata=metadata, certificate=b"")
        # Nobody but the controller that called the plugin could verify a certificate made in memory.
        key, certificate = material.pair if material.issued else (None, None)
        return Credentials(
            channel=grpc.ssl_channel_credentials(material.ca, key, certificate),
            options=(("grpc.ssl_target_name_override", _target_name(self._server_name)),),
            metadata=metadata,
            certificate=material.leaf,
        )


def _target_name(server_name: str) -> str:
    """Returns the form in which gRPC compares a name with the certificate: with an IP address in brackets for IPv6."""
    return f"[{server_name}]" if is_ip_address(server_name) and ":" in server_name else server_name
