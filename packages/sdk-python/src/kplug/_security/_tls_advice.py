"""Advice on connections that failed by TLS."""

from __future__ import annotations

import re

_ADVICE = [
    (
        r"Hostname Verification Check failed",
        'the operator\'s certificate is not for "{name}"; set KPLUG_TLS_SERVER_NAME to one of its names',
    ),
    (
        r"certificate has expired|not yet valid",
        'renew the operator\'s certificate for "{name}", and check the clocks',
    ),
    (
        r"self.signed certificate|unable to (get|verify)|certificate (signature|is not trusted|chain)|"
        r"unsupported certificate purpose|invalid CA",
        'the certificate for "{name}" was not issued by a CA of KPLUG_TLS_CA; compare the file with the CA bundle of '
        "the operator",
    ),
    (
        r"WRONG_VERSION_NUMBER|UNSUPPORTED_PROTOCOL|ALERT_PROTOCOL_VERSION|ALERT_HANDSHAKE_FAILURE",
        "the operator does not speak TLS 1.3 at this address; check KPLUG_CONTROLLER, or set KPLUG_INSECURE=true for "
        "an operator without TLS",
    ),
    (r"_ALERT_\w*(CERTIFICATE|UNKNOWN_CA)", "the operator refused the certificate of KPLUG_TLS_CERT"),
]
"""Errors of gRPC and its TLS library, and what to do about them."""

_CAUSE = re.compile(
    r"(?:OPENSSL_internal:|with error: [A-Z_]+: )(.+?)(?:: Invalid certificate verification context)?(?:: OK)?$"
)
"""Error of the TLS library at the end of that of gRPC: `…: error:1000007d:SSL routines:OPENSSL_internal:CAUSE: OK`."""


def advice_on(details: str, server_name: str) -> str | None:
    """Returns what to do about a failed connection to the controller; `None` if its security isn't the cause.

    `server_name` is the name expected in the controller's certificate; empty for plain text.
    """
    if not server_name:
        return None
    matching = (advice for pattern, advice in _ADVICE if re.search(pattern, details))
    advice = next(matching, None)
    return None if advice is None else advice.replace("{name}", server_name)


def cause_in(details: str) -> str:
    """Returns the error of the TLS library in that of gRPC."""
    cause = _CAUSE.search(details)
    return (details if cause is None else cause[1]).rstrip(". ")
