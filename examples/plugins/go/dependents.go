package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	kplugv1 "example.org/sqlite-plugin/gen/kplug/v1"
)

// maxNameLength is the maximum length of the name of a Service.
const maxNameLength = 63

type object = map[string]any

// dependents returns the resources that show a table in web browsers by Datasette, and the rules by which the operator applies them.
func (t *databaseTable) dependents(image string) (*kplugv1.Dependents, error) {
	name := nameFrom(t.Metadata.Name, "datasette")
	labels := object{"app.kubernetes.io/instance": name}
	secret := object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": name, "labels": labels},
		"stringData": object{"secret": rand.Text()}}
	key := object{"secretKeyRef": object{"name": name, "key": "secret"}}
	container := object{
		"name": "datasette", "image": image,
		"args":           []any{"datasette", "--host=0.0.0.0", "--port=8001", "/data/" + t.Spec.ServerName + ".sqlite"},
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

	dependents := &kplugv1.Dependents{Rules: map[string]*kplugv1.DependentRules{
		// Generated once: the operator leaves an existing Secret as it is, although each call generates another one.
		"Secret/" + name: {Policy: kplugv1.DependentPolicy_DEPENDENT_POLICY_CREATE_ONLY},
		// Ready with one available replica. By default, all of them would have to be.
		"Deployment.apps/" + name: {
			DependsOn:    []string{"Secret/" + name},
			ReadyWhen:    "has(self.status) && has(self.status.availableReplicas) && self.status.availableReplicas > 0",
			ReadyTimeout: durationpb.New(5 * time.Minute),
		},
		// Ready by the conventions of Kubernetes.
		"Service/" + name: {DependsOn: []string{"Deployment.apps/" + name}},
	}}
	for _, dependent := range []object{secret, deployment, service} {
		item, err := json.Marshal(dependent)
		if err != nil {
			return nil, err
		}
		dependents.Items = append(dependents.Items, item)
	}
	return dependents, nil
}

// nameFrom returns a name for dependents of a resource. One that is too long is shortened and ends with a hash, so that it stays unique.
func nameFrom(base, suffix string) string {
	name := base + "-" + suffix
	if len(name) <= maxNameLength {
		return name
	}
	hash := fmt.Sprintf("%x", sha256.Sum256([]byte(name)))[:8]
	return strings.TrimRight(name[:maxNameLength-len(hash)-1], "-.") + "-" + hash
}
