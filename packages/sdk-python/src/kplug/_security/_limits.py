"""Limits of the security, the same as those of the SDK in TypeScript (`docs/limits.md`). Durations are in seconds."""

from __future__ import annotations

from datetime import timedelta

POLL_INTERVAL = 1.0
"""Interval at which token, CA bundle and certificate files are checked for changes."""

FILE_SETTLE_TIME = 2.0
"""Age that a file must have before an unchanged modification time says that its content is unchanged."""

MAX_FILE_SIZE = 1024 * 1024
"""Maximum size of a CA bundle, certificate or key, in bytes."""

MAX_TOKEN_SIZE = 8 * 1024
"""Maximum size of a token, in bytes."""

SECRET_SIZE = 32
"""Number of random bytes of the secret of an instance."""

MIN_RSA_KEY_SIZE = 2048
"""Minimum size of an RSA key, in bits. The TLS library of gRPC refuses smaller ones only when they are used."""

CERTIFICATE_LIFETIME = timedelta(days=3650)
"""Lifetime of the certificate that a plugin makes at its start. It ends with the process."""

CLOCK_TOLERANCE = timedelta(days=1)
"""Time by which the clock of the operator may be behind that of the plugin."""

MAX_COMMON_NAME_LENGTH = 64
"""Maximum length of the name in the certificate, the beginning of the instance id (RFC 5280)."""

HANDSHAKE_TIMEOUT_MS = 10_000
"""Time that a client of the plugin has for its TLS handshake, in milliseconds."""

REFUSAL_LOG_INTERVAL = 10.0
"""Shortest interval between log lines about refused clients."""

MAX_JUDGED_CERTIFICATES = 64
"""Maximum number of client certificates whose check is remembered."""
