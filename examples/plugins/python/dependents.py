"""Resources that show a table in web browsers by Datasette. The operator applies them, and the table owns them."""

from __future__ import annotations

import secrets
from pathlib import Path

from kplug import Dependent, Resource, name_from


def dependents_of(base: Resource[object], file: Path, image: str) -> list[Dependent]:
    """Returns the dependents of a table, with the rules by which the operator applies them."""
    name = name_from(base, "datasette")
    labels = {"app.kubernetes.io/instance": name}
    metadata = {"name": name, "labels": labels}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "stringData": {"secret": secrets.token_hex(32)},
    }
    key = {"secretKeyRef": {"name": name, "key": "secret"}}
    container = {
        "name": "datasette",
        "image": image,
        "args": ["datasette", "--host=0.0.0.0", "--port=8001", f"/data/{file.name}"],
        "env": [{"name": "DATASETTE_SECRET", "valueFrom": key}],
        "readinessProbe": {"httpGet": {"path": "/-/versions.json", "port": 8001}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "sqlite"}}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "volumes": [volume]}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8001}]},
    }
    return [
        # Generated once: the operator leaves an existing Secret as it is, although each call generates another one.
        Dependent(secret, policy="CreateOnly"),
        # Ready with one available replica. By default, all of them would have to be.
        Dependent(
            deployment,
            depends_on=[f"Secret/{name}"],
            ready_when="has(self.status) && has(self.status.availableReplicas) && self.status.availableReplicas > 0",
            ready_timeout=300,
        ),
        # Ready by the conventions of Kubernetes.
        Dependent(service, depends_on=[f"Deployment.apps/{name}"]),
    ]
