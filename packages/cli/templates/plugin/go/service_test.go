package main

import (
	"context"
	"strings"
	"testing"

	kplugv1 "__MODULE__/gen/kplug/v1"
)

// answer reconciles and returns the status, or the reason and text of a failure.
func answer(t *testing.T, resource string) string {
	t.Helper()
	request := &kplugv1.ReconcileRequest{Base: &kplugv1.Resource{Json: []byte(resource)}}
	response, err := (&service{}).Reconcile(context.Background(), request)
	if err != nil {
		t.Fatal(err)
	}
	for _, message := range response.Messages {
		return message.Reason + ": " + message.Text
	}
	return string(response.BaseStatus)
}

func TestReconcile(t *testing.T) {
	desks := `{"spec":{"network":"10.20.0.0/22","subnets":[{"name":"desks","hosts":200}]}`
	for resource, expected := range map[string]string{
		desks + `}`: `{"subnets":[{"firstHost":"10.20.0.1","lastHost":"10.20.0.254","name":"desks","network":"10.20.0.0/24"}]}`,
		desks + `,"status":{"subnets":[{"name":"desks","network":"10.20.3.0/24"}]}}`: `"network":"10.20.3.0/24"`,
		desks + `,"status":{"subnets":[{"name":"desks","network":"nowhere"}]}}`:      `"network":"10.20.0.0/24"`,
		desks + `,"status":{"subnets":[{"name":"desks","network":"fd00::/24"}]}}`:    `"network":"10.20.0.0/24"`,
		`{`:                                 "InvalidSpec: the resource is malformed",
		`{"spec":{"network":"10.0.0.0"}}`:   "InvalidSpec: .spec.network:",
		`{"spec":{"network":"10.0.0.0/8"}}`: "InvalidSpec: .spec.subnets:",
		`{"spec":{"network":"10.0.0.0/30","subnets":[{"name":"a","hosts":2},{"name":"a","hosts":2}]}}`: "duplicate subnet a",
		`{"spec":{"network":"10.0.0.0/30","subnets":[{"name":"a","hosts":0}]}}`:                        "subnets[0].hosts",
		`{"spec":{"network":"10.0.0.0/30","subnets":[{"name":"a","hosts":3}]}}`:                        "DoesNotFit: 10.0.0.0/30 has no space left",
	} {
		if actual := answer(t, resource); !strings.Contains(actual, expected) {
			t.Errorf("%s: got %s, want %s", resource, actual, expected)
		}
	}
}
