"""CA bundle, key and certificate of a plugin with TLS."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from kplug._security._limits import MAX_FILE_SIZE, MIN_RSA_KEY_SIZE
from kplug._security._own_certificate import MALFORMED, KeyPair, create_own_certificate
from kplug._security._settings import TlsSettings
from kplug._security._watched_file import UnusableFile, WatchedFile

_CA = "the CA bundle (KPLUG_TLS_CA)"
_CERTIFICATE = "the certificate (KPLUG_TLS_CERT)"
_KEY = "the private key (KPLUG_TLS_KEY)"


@dataclass(frozen=True)
class Material:
    """CA bundle, key and certificate that belong together. Never changed: another reading is another object."""

    ca: bytes
    """CA certificates of the operator, in PEM."""
    pair: KeyPair = field(repr=False)
    leaf: bytes
    """Certificate of the plugin, in DER."""
    issued: bool
    """True if key and certificate come from files, so that others can verify them."""


class TlsMaterial:
    """Files of a plugin with TLS. While changed files are malformed, the last valid ones stay in use. Thread-safe."""

    def __init__(self, settings: TlsSettings, instance_id: str, log: logging.Logger) -> None:
        self._own = create_own_certificate(instance_id)
        self._ca = WatchedFile(settings.ca, "CA bundle (KPLUG_TLS_CA)", MAX_FILE_SIZE)
        files = settings.files
        self._files = files and (
            WatchedFile(files.key, "private key (KPLUG_TLS_KEY)", MAX_FILE_SIZE),
            WatchedFile(files.certificate, "certificate (KPLUG_TLS_CERT)", MAX_FILE_SIZE),
        )
        self._log = log
        # gRPC asks for the certificate in a thread of its own.
        self._lock = threading.Lock()
        self._checked: tuple[bytes, ...] = ()
        self._material: Material | None = None
        # That of the configuration that gRPC has.
        self._served: Material | None = None
        self._problem = ""

    def current(self) -> Material | None:
        """Reads the files. Returns the same object as long as nothing has changed; `None` until all are valid."""
        with self._lock:
            try:
                key, certificate = (file.read() for file in self._files) if self._files else self._own
                contents = (self._ca.read(), key, certificate)
                if contents == self._checked:
                    return self._material
                self._checked = contents
                self._material = _validate(*contents, issued=self._files is not None)
                self._problem = ""
            except UnusableFile as error:
                self._report(str(error))
            return self._material

    def server_credentials(self) -> grpc.ServerCredentials:
        """Returns credentials that require a certificate of the CA bundle, as the files are at each handshake."""
        self._served = self.current()
        # The types of gRPC lack the `None` that its documentation allows.
        fetcher: Any = self._changed_configuration
        return grpc.dynamic_ssl_server_credentials(
            self._configuration(self._served), fetcher, require_client_authentication=True
        )

    def _changed_configuration(self) -> grpc.ServerCertificateConfiguration | None:
        """Returns the configuration of a handshake; `None` if it is that of the previous one.

        The C core crashes if a configuration is replaced while another thread begins a handshake, so that this must be
        as rare as the changes of the files.
        """
        material = self.current()
        with self._lock:
            if material is self._served:
                return None
            self._served = material
        return self._configuration(material)

    def _configuration(self, material: Material | None) -> grpc.ServerCertificateConfiguration:
        # Nobody can have a certificate of the plugin itself: before the CA is known, no client is let in.
        pair, ca = (self._own, self._own.certificate) if material is None else (material.pair, material.ca)
        return grpc.ssl_server_certificate_configuration([(pair.key, pair.certificate)], ca)

    def _report(self, problem: str) -> None:
        """Logs a problem once."""
        if problem == self._problem:
            return
        self._problem = problem
        waiting = "the plugin registers, and accepts calls, as soon as it is there"
        self._log.warning("%s; %s", problem, "using the previous content" if self._material else waiting)


def _validate(ca: bytes, key: bytes, certificate: bytes, *, issued: bool) -> Material:
    authorities = _certificates(ca, _CA)
    chain = _certificates(certificate, _CERTIFICATE)
    try:
        private_key = load_pem_private_key(key, password=None)
    except (TypeError, *MALFORMED) as error:
        raise UnusableFile(f"{_KEY} can't be used: {error}") from error
    if private_key.public_key() != _public_key_of(chain[0]):
        raise UnusableFile(f"{_KEY} does not belong to {_CERTIFICATE}")
    # Written again, since the TLS library of gRPC reads fewer forms of PEM.
    pair = KeyPair(private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), _pem(chain))
    return Material(ca=_pem(authorities), pair=pair, leaf=chain[0].public_bytes(Encoding.DER), issued=issued)


def _public_key_of(leaf: x509.Certificate) -> object:
    try:
        key = leaf.public_key()
    except MALFORMED as error:
        raise UnusableFile(f"{_CERTIFICATE} can't be used: {error}") from error
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA_KEY_SIZE:
        size = f"{key.key_size} bits; the minimum is {MIN_RSA_KEY_SIZE}"
        raise UnusableFile(f"{_CERTIFICATE} can't be used: its RSA key has {size}")
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise UnusableFile(f"{_CERTIFICATE} can't be used: gRPC needs an ECDSA or RSA key")
    return key


def _certificates(pem: bytes, description: str) -> list[x509.Certificate]:
    if b"-----BEGIN CERTIFICATE-----" not in pem:
        raise UnusableFile(f"{description} has no certificate in PEM")
    try:
        return x509.load_pem_x509_certificates(pem)
    except MALFORMED as error:
        raise UnusableFile(f"{description} can't be used: {error}") from error


def _pem(certificates: list[x509.Certificate]) -> bytes:
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)
