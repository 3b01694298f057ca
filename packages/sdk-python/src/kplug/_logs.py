"""Logging, by the standard library's `logging`."""

from __future__ import annotations

import logging

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


def configure_logging(level: str) -> None:
    """Logs to standard error at a level, unless the program has configured logging."""
    logging.basicConfig(level=_LEVELS[level], format="%(asctime)s %(levelname)-7s %(name)s %(message)s")
