package main

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	kplugv1 "example.org/sqlite-plugin/gen/kplug/v1"
)

const extensionKey = "myorg.org/v1alpha1/DatabaseTableSqliteExtension/default/users"

// plugin is the plugin on a folder of its own, and the file that its tables are in.
type plugin struct {
	*testing.T
	service *service
	file    string
}

func newPlugin(t *testing.T) plugin {
	directory := t.TempDir()
	return plugin{t, &service{directory: directory}, filepath.Join(directory, "main.sqlite")}
}

func resource(json string) *kplugv1.Resource { return &kplugv1.Resource{Json: []byte(json)} }

func table(columns string) *kplugv1.Resource {
	return resource(`{"metadata":{"name":"users"},"spec":{"serverName":"main","columns":` + columns + `}}`)
}

// expect reconciles, and expects success after the changes, or a failure for the reason.
func (p plugin) expect(base *kplugv1.Resource, options string, expected string) {
	p.Helper()
	request := &kplugv1.ReconcileRequest{Base: base}
	if options != "" {
		extension := resource(`{"kind":"DatabaseTableSqliteExtension","spec":` + options + `}`)
		request.Extensions = map[string]*kplugv1.Resource{extensionKey: extension}
	}
	response, err := p.service.Reconcile(context.Background(), request)
	if err != nil {
		p.Fatal(err)
	}
	actual := "unchanged"
	for _, event := range response.Events {
		actual = event.Message
	}
	for _, message := range response.Messages {
		actual = message.Reason + ": " + message.Text
	}
	if !strings.Contains(actual, expected) {
		p.Errorf("got %q in place of %q", actual, expected)
	}
}

// sql runs a statement past the plugin and returns its first value.
func (p plugin) sql(statement string) (value string) {
	p.Helper()
	db, err := sql.Open("sqlite", p.file)
	if err != nil {
		p.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(statement).Scan(&value); err != nil {
		p.Fatal(err)
	}
	return value
}

func TestTableIsMadeOnceAndChangedWithItsRows(t *testing.T) {
	p := newPlugin(t)
	id := `[{"name":"id","type":"uint64"}]`
	p.expect(table(id), "", "created")
	p.expect(table(id), "", "unchanged")
	p.sql("INSERT INTO users VALUES (7) RETURNING id")
	withName := `[{"name":"id","type":"uint64"},{"name":"na\"me","type":"string"}]`
	p.expect(table(withName), "", `added column na"me (TEXT).`)
	p.expect(table(withName), `{"withoutRowId":true}`, "set withoutRowId to true.")
	p.expect(table(`[{"name":"id","type":"string"}]`), `{"strict":false}`,
		`dropped column na"me; changed column id INTEGER to id TEXT; set strict to false; set withoutRowId to false.`)
	if value := p.sql("SELECT id FROM users"); value != "7" {
		t.Errorf("the row became %s", value)
	}
	p.expect(table(`[{"name":"key","type":"uuid"},{"name":"id","type":"string"}]`), "", "DataDoesNotFit: ")
	if value := p.sql("SELECT id FROM users"); value != "7" {
		t.Errorf("the row became %s", value)
	}
}

func TestWhatDoesNotFitIsExplained(t *testing.T) {
	p := newPlugin(t)
	p.expect(resource("{"), "", "InvalidSpec: ")
	p.expect(resource(`{"spec":{"serverName":"../x"}}`), "", "InvalidSpec: DatabaseTable  is invalid: .spec.serverName")
	p.expect(table(`[]`), "", "at least one column")
	p.expect(table(`[{"name":"id","type":"uuid","size":3}]`), "", `unknown field "size"`)
	p.expect(table(`[{"name":"id","type":"uuid"},{"name":"ID","type":"uuid"}]`), "", "columns[1].name: there are two columns ID")
	p.expect(table(`[{"name":"id","type":"money"}]`), "", `UnsupportedColumnType: column "id" has the type "money". Types to choose from: bool,`)
	p.expect(table(`[{"name":"id","type":"uuid"}]`), `{"strict":7}`, "InvalidSpec: "+extensionKey+" is invalid: .spec")
	p.service.directory = filepath.Join(p.service.directory, "missing")
	p.expect(table(`[{"name":"id","type":"uuid"}]`), "", "DatabaseUnavailable: ")
}

func TestTableIsDroppedAsOftenAsAsked(t *testing.T) {
	p := newPlugin(t)
	finalize := func() {
		request := &kplugv1.FinalizeRequest{Base: table(`"nonsense"`)}
		response, err := p.service.Finalize(context.Background(), request)
		if err != nil || response.Outcome != kplugv1.Outcome_OUTCOME_SUCCESS {
			t.Errorf("got %v, %v", response, err)
		}
	}
	finalize()
	p.expect(table(`[{"name":"id","type":"uuid"}]`), "", "created")
	finalize()
	if tables := p.sql("SELECT count(*) FROM sqlite_schema WHERE type = 'table'"); tables != "0" {
		t.Errorf("%s tables are left", tables)
	}
	finalize()
}
