"""Logging, by the standard library's `logging`."""

from __future__ import annotations

import logging
import re
import unicodedata
from typing import Any

from kplug._call import ResourceLog
from kplug._resource import Resource

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "silent": logging.CRITICAL + 1,
}


def plugin_logger(plugin: str) -> logging.Logger:
    """Returns the logger of a plugin, `kplug.<name>`."""
    return logging.getLogger("kplug").getChild(plugin)


def resource_log(log: logging.Logger, base: Resource[object]) -> ResourceLog:
    """Returns a logger with the name of the resource."""
    name, namespace = base.metadata.name, base.metadata.namespace
    return ResourceLog(log, {"resource": f"{base.kind} {namespace}/{name}" if namespace else f"{base.kind} {name}"})


_UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def printable(text: str) -> str:
    """Makes a text printable on one line: breaks and tabs become a space, other control characters visible."""
    if text.isascii() and text.isprintable():
        return text
    line = re.sub(r"[\t-\r\x85\u2028\u2029]+", " ", text)
    return "".join(_visible(char) if unicodedata.category(char) in _UNPRINTABLE else char for char in line)


_MAX_OF_FOUR_DIGITS = 0xFFFF


def _visible(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) <= _MAX_OF_FOUR_DIGITS else f"\\u{{{ord(char):x}}}"


class _PrintableFormatter(logging.Formatter):
    """Formats each record on one line, and indents its traceback: no text forges lines or controls a terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return "\n".join(f"  {printable(line)}" for line in super().formatException(ei).split("\n"))


def configure_logging(level: str) -> None:
    """Logs to standard error at a level, unless the program has configured logging."""
    handler = logging.StreamHandler()
    handler.setFormatter(_PrintableFormatter("%(asctime)s %(levelname)-7s %(name)s %(message)s"))
    logging.basicConfig(level=_LEVELS[level], handlers=[handler])
