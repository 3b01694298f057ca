"""Manifests that the capability in the documentation is made of: the reader's own code."""

from __future__ import annotations

import secrets
from typing import Literal


def new_password() -> str:
    return secrets.token_urlsafe(18)


def service_of(name: str) -> dict[str, object]:
    spec = {"selector": {"app": name}, "ports": [{"port": 5432}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def stateful_set_of(
    name: str, type_: Literal["postgresql", "mariadb"], version: Literal["16", "17", "11.4"]
) -> dict[str, object]:
    container = {"name": "server", "image": f"{type_}:{version}"}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name}, "spec": spec}
