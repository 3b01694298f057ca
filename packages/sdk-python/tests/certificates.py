"""Certificate authority for tests, and files that are replaced as kubelets do it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CALLER = "kplug://caller"

_USAGES = {
    "server": [ExtendedKeyUsageOID.SERVER_AUTH],
    "client": [ExtendedKeyUsageOID.CLIENT_AUTH],
    "both": [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
    "none": [],
}


@dataclass(frozen=True)
class Leaf:
    """Certificate and key, in PEM."""

    certificate: bytes
    key: bytes

    @property
    def der(self) -> bytes:
        return x509.load_pem_x509_certificate(self.certificate).public_bytes(Encoding.DER)


class CertificateAuthority:
    """Certificate authority."""

    def __init__(self, name: str = "ca") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self._certificate = (
            _builder(self._name, self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, SHA256())
        )
        self.certificate = self._certificate.public_bytes(Encoding.PEM)

    def issue(
        self,
        usage: Literal["server", "client", "both", "none"] = "server",
        *,
        names: Sequence[str] = ("localhost",),
        addresses: Sequence[str] = ("127.0.0.1", "::1"),
        uris: Sequence[str] = (),
        expired: bool = False,
        rsa_key_size: int = 0,
    ) -> Leaf:
        """Issues a certificate."""
        key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = (
            rsa.generate_private_key(65537, rsa_key_size) if rsa_key_size else ec.generate_private_key(ec.SECP256R1())
        )
        alternatives = [
            *map(x509.DNSName, names),
            *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
            *map(x509.UniformResourceIdentifier, uris),
        ]
        builder = _builder(_name("leaf"), self._name, key.public_key(), expired=expired)
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        if _USAGES[usage]:
            builder = builder.add_extension(x509.ExtendedKeyUsage(_USAGES[usage]), critical=False)
        return Leaf(
            builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM),
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )

    def caller(self) -> Leaf:
        """Issues the certificate with which an operator calls plugins."""
        return self.issue("client", uris=[CALLER])

    def server_credentials(self, leaf: Leaf | None = None, client_ca: bytes | None = None) -> grpc.ServerCredentials:
        """Returns the credentials of an operator's heartbeat service."""
        leaf = leaf or self.issue()
        pairs = [(leaf.key, leaf.certificate)]
        return grpc.ssl_server_credentials(pairs, client_ca, require_client_auth=client_ca is not None)


class Files:
    """Files in a folder, which are replaced all at once by the swap of a symbolic link."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._versions = 0
        self._written: dict[str, bytes] = {}

    def path(self, name: str) -> str:
        return str(self._folder / "..data" / name)

    def write(self, files: dict[str, bytes]) -> None:
        self._written |= files
        self._versions += 1
        version = self._folder / f"version-{self._versions}"
        version.mkdir()
        for name, content in self._written.items():
            (version / name).write_bytes(content)
        following = self._folder / "next"
        following.symlink_to(version.name)
        following.replace(self._folder / "..data")


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    *,
    expired: bool = False,
) -> x509.CertificateBuilder:
    now = datetime.now(timezone.utc)
    end = now - timedelta(hours=1) if expired else now + timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(end)
    )
