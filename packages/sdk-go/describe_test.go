package kplug

import (
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type describedSpec struct {
	Columns []describedColumn `json:"columns" jsonschema:"minItems=1"`
	Network netip.Prefix      `json:"network"`
	Since   time.Time         `json:"since,omitzero"`
	Rows    int64             `json:"rows,omitempty"`
}

type describedColumn struct {
	Name string `json:"name" jsonschema:"minLength=1" jsonschema_extras:"x-kplug-column=First"`
}

type describedStatus struct {
	Count int `json:"count"`
}

func TestDescribesTheTypesOfAPlugin(t *testing.T) {
	plugin := Plugin{Name: "Plain", Version: "1.2.0", APIs: []Implementation{API[describedSpec, describedStatus]{
		Name: "Table", Version: "1.0.0",
		Extensions: []ExtensionKind{Extension[describedColumn, struct{}]{Kind: "Options.example.org"}},
		Reconcile: func(context.Context, *Call[describedSpec, describedStatus]) (*Result[describedStatus], error) {
			return nil, nil
		},
	}}}
	file := filepath.Join(t.TempDir(), "description.json")
	t.Setenv("KPLUG_DESCRIBE", file)
	if err := Serve(t.Context(), plugin); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var description pluginDescription
	if err := json.Unmarshal(text, &description); err != nil {
		t.Fatal(err)
	}
	api := description.APIs[0]
	if description.Plugin != "Plain" || api.Name != "Table" || api.Extensions["Options.example.org"] == nil {
		t.Errorf("the description is %s", text)
	}
	for _, part := range []string{
		`"network":{"type":"string"}`, `"since":{"type":"string","format":"date-time"}`, `"rows":{"type":"integer","format":"int64"}`,
		`"minItems":1`, `"name":{"type":"string","minLength":1,"x-kplug-column":"First"}`, `"required":["columns","network"]`,
		`"count":{"type":"integer"}`,
	} {
		if !strings.Contains(string(text), part) {
			t.Errorf("the description has no %s: %s", part, text)
		}
	}
}

func TestNamesTheAPIOfATypeWithoutASchema(t *testing.T) {
	plugin := Plugin{Name: "Plain", Version: "1.0.0", APIs: []Implementation{API[struct{ Wait chan int }, struct{}]{
		Name: "Table", Version: "1.0.0",
		Reconcile: func(context.Context, *Call[struct{ Wait chan int }, struct{}]) (*Result[struct{}], error) {
			return nil, nil
		},
	}}}
	if _, err := describePlugin(plugin); err == nil || !strings.Contains(err.Error(), "the types of the API Table: can't be converted") {
		t.Errorf("the error is %v", err)
	}
}
