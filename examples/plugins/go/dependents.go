package main

import (
	"crypto/rand"
	"time"

	"kplug.dev/sdk-go"
)

type object = kplug.Object

// dependents returns the resources that show a table in web browsers by Datasette, and the rules by which the operator applies them.
func dependents(base *kplug.Resource[tableSpec, tableStatus], image string) []kplug.Dependent {
	name := kplug.NameFrom(base.Metadata.Name, "datasette")
	labels := object{"app.kubernetes.io/instance": name}
	secret := object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": name, "labels": labels},
		"stringData": object{"secret": rand.Text()}}
	key := object{"secretKeyRef": object{"name": name, "key": "secret"}}
	container := object{
		"name": "datasette", "image": image,
		"args":           []any{"datasette", "--host=0.0.0.0", "--port=8001", "/data/" + base.Spec.ServerName + ".sqlite"},
		"env":            []any{object{"name": "DATASETTE_SECRET", "valueFrom": key}},
		"readinessProbe": object{"httpGet": object{"path": "/-/versions.json", "port": 8001}},
		"volumeMounts":   []any{object{"name": "data", "mountPath": "/data"}},
	}
	volume := object{"name": "data", "persistentVolumeClaim": object{"claimName": "sqlite"}}
	pod := object{"containers": []any{container}, "volumes": []any{volume}}
	deployment := object{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": object{"name": name, "labels": labels},
		"spec": object{"selector": object{"matchLabels": labels}, "template": object{"metadata": object{"labels": labels}, "spec": pod}}}
	service := object{"apiVersion": "v1", "kind": "Service", "metadata": object{"name": name, "labels": labels},
		"spec": object{"selector": labels, "ports": []any{object{"port": 80, "targetPort": 8001}}}}

	return []kplug.Dependent{
		// Generated once: the operator leaves an existing Secret as it is, although each call generates another one.
		{Manifest: secret, Policy: kplug.CreateOnly},
		// Ready with one available replica. By default, all of them would have to be.
		{
			Manifest:     deployment,
			DependsOn:    []string{"Secret/" + name},
			ReadyWhen:    "has(self.status) && has(self.status.availableReplicas) && self.status.availableReplicas > 0",
			ReadyTimeout: 5 * time.Minute,
		},
		// Ready by the conventions of Kubernetes.
		{Manifest: service, DependsOn: []string{"Deployment.apps/" + name}},
	}
}
