"""Certificate that a plugin makes at its start."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kplug._security._limits import CERTIFICATE_LIFETIME, CLOCK_TOLERANCE, MAX_COMMON_NAME_LENGTH

MALFORMED = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""Exceptions of `cryptography` for certificates and keys that can't be read."""


class KeyPair(NamedTuple):
    """Private key and certificate chain, both in PEM."""

    key: bytes
    certificate: bytes


def create_own_certificate(instance_id: str) -> KeyPair:
    """Creates a P-256 key and a self-signed certificate for it, which the plugin registers.

    Nothing but the registration vouches for the certificate, and nothing is written to a disk.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _common_name_of(instance_id))])
    now = datetime.now(timezone.utc)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_TOLERANCE)
        .not_valid_after(now + CERTIFICATE_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, SHA256())
    )
    return KeyPair(
        key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        certificate=certificate.public_bytes(Encoding.PEM),
    )


def _common_name_of(instance_id: str) -> str:
    """Returns the name of an instance for people, without characters that have a meaning in names of X.509."""
    return re.sub(r"[^A-Za-z0-9_.:-]", "_", instance_id[:MAX_COMMON_NAME_LENGTH]) or "plugin"
