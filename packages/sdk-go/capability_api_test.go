package kplug

import (
	"context"
	"strings"
	"testing"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

// databases provides databases, each by one ConfigMap.
func databases() CapabilityAPI[greeting, greetingStatus] {
	type owner = CapabilityOwner[greeting, greetingStatus]
	return CapabilityAPI[greeting, greetingStatus]{
		Name: "Capability", Version: "1.0.0", Category: "database", Types: map[string][]string{"postgresql": {"16", "17"}, "mariadb": {"11.8"}},
		Dependents: func(_ context.Context, o *owner) ([]Dependent, error) {
			manifest := Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": Object{"name": o.NameOf("db")}, "data": Object{"image": o.Type + ":" + o.Version}}
			return []Dependent{{Manifest: manifest}}, nil
		},
		Status: func(_ context.Context, o *owner) (*greetingStatus, error) {
			if o.Dependents.Find("ConfigMap", o.NameOf("db")) == nil {
				return nil, nil
			}
			return &greetingStatus{Text: "ready"}, nil
		},
	}
}

func TestACapabilityIsMadeOfDependents(t *testing.T) {
	service := serviceOf(t, databases())
	request := &kplugv1.ReconcileRequest{
		Base:       world(),
		Assignment: &kplugv1.Assignment{Api: "Capability", Capability: &kplugv1.AssignedCapability{Category: "database", Type: "postgresql", Version: "17"}},
	}
	response, err := service.Reconcile(t.Context(), request)
	if err != nil || summary(response) != "SUCCESS" || response.BaseStatus != nil {
		t.Fatalf("got %v, %v", response, err)
	}
	expected := `{"apiVersion":"v1","data":{"image":"postgresql:17"},"kind":"ConfigMap","metadata":{"name":"world-db"}}`
	if got := string(response.Dependents.Items[0]); got != expected {
		t.Error(got)
	}
	request.Dependents = map[string]*kplugv1.Resource{"x": {Json: response.Dependents.Items[0]}}
	if response, _ := service.Reconcile(t.Context(), request); string(response.BaseStatus) != `{"text":"ready"}` {
		t.Error(response)
	}
	request.Assignment.Capability.Version = "18"
	if response, _ := service.Reconcile(t.Context(), request); !strings.Contains(summary(response), "NoSuchVersion") {
		t.Error(response)
	}
	request.Assignment.Capability = nil
	if response, _ := service.Reconcile(t.Context(), request); !strings.Contains(summary(response), "NoCapability") {
		t.Error(response)
	}
	if response, _ := service.Finalize(t.Context(), &kplugv1.FinalizeRequest{Base: world()}); summary(response) != "SUCCESS" {
		t.Error(response)
	}
}

func TestInvalidCapabilitiesAreRefused(t *testing.T) {
	withoutTypes, withoutDependents := databases(), databases()
	withoutTypes.Types, withoutDependents.Dependents = nil, nil
	for expected, api := range map[string]Implementation{"has no types": withoutTypes, "has no Dependents": withoutDependents} {
		if _, err := NewService(Plugin{Name: "Databases", Version: "1.0.0", APIs: []Implementation{api}}); err == nil || !strings.Contains(err.Error(), expected) {
			t.Errorf("got %v, want %s", err, expected)
		}
	}
}
