package main

import (
	"encoding/json"
	"strings"
	"testing"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

func TestDependentsAreRequestedWithRulesIfThereIsAnImage(t *testing.T) {
	p := newTestPlugin(t)
	request := &kplugv1.ReconcileRequest{Base: table(`[{"name":"id","type":"uint64"}]`)}
	if response, err := p.service().Reconcile(t.Context(), request); err != nil || response.Dependents != nil {
		t.Errorf("got %v, %v, want no dependents", response, err)
	}
	p.tables.datasetteImage = "datasette:1"
	response, err := p.service().Reconcile(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, item := range response.Dependents.Items {
		var found struct {
			Kind     string
			Metadata struct{ Name string }
		}
		if err := json.Unmarshal(item, &found); err != nil || found.Metadata.Name != "users-datasette" {
			t.Errorf("got %s, %v", item, err)
		}
		kinds = append(kinds, found.Kind)
	}
	if strings.Join(kinds, " ") != "Secret Deployment Service" {
		t.Errorf("got %s", kinds)
	}
	rules := response.Dependents.Rules
	if rules["Secret/users-datasette"].GetPolicy() != kplugv1.DependentPolicy_DEPENDENT_POLICY_CREATE_ONLY ||
		rules["Deployment.apps/users-datasette"].GetReadyWhen() == "" ||
		rules["Service/users-datasette"].GetDependsOn()[0] != "Deployment.apps/users-datasette" {
		t.Errorf("got %v", rules)
	}
}
