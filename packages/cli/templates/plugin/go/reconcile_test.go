package main

import (
	"strings"
	"testing"

	"kplug.dev/sdk-go"
	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

// answer reconciles and returns the status, or the reason and text of a failure.
func answer(t *testing.T, resource string) string {
	t.Helper()
	service, err := kplug.NewService(plugin)
	if err != nil {
		t.Fatal(err)
	}
	request := &kplugv1.ReconcileRequest{Base: &kplugv1.Resource{Json: []byte(resource)}}
	response, err := service.Reconcile(t.Context(), request)
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
		desks + `}`: `{"subnets":[{"name":"desks","network":"10.20.0.0/24","firstHost":"10.20.0.1","lastHost":"10.20.0.254"}]}`,
		desks + `,"status":{"subnets":[{"name":"desks","network":"10.20.3.0/24"}]}}`: `"network":"10.20.3.0/24"`,
		desks + `,"status":{"subnets":[{"name":"desks","network":"nowhere"}]}}`:      `"network":"10.20.0.0/24"`,
		desks + `,"status":{"subnets":[{"name":"desks","network":"fd00::/24"}]}}`:    `"network":"10.20.0.0/24"`,
		`{`:                                 "InvalidSpec: the resource is malformed",
		`{"spec":{"network":"10.0.0.0"}}`:   "is invalid: .spec.network:",
		`{"spec":{"network":"10.0.0.0/8"}}`: "is invalid: .spec.subnets:",
		`{"spec":{"network":"10.0.0.0/30","subnets":[{"name":"a","hosts":2},{"name":"a","hosts":2}]}}`: "duplicate subnet a",
		`{"spec":{"network":"10.0.0.0/30","subnets":[{"name":"a","hosts":0}]}}`:                        "subnets[0].hosts",
		`{"spec":{"network":"10.0.0.0/30","subnets":[{"name":"a","hosts":3}]}}`:                        "DoesNotFit: 10.0.0.0/30 has no space left",
	} {
		if actual := answer(t, resource); !strings.Contains(actual, expected) {
			t.Errorf("%s: got %s, want %s", resource, actual, expected)
		}
	}
}
