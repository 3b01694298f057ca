package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"kplug.dev/sdk-go"
	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

const extensionKey = "myorg.org/v1alpha1/DatabaseTableSqliteExtension/default/users"

// plugin is a plugin with a temporary folder, and the file of its tables.
type plugin struct {
	*testing.T
	tables *tables
	file   string
}

func newTestPlugin(t *testing.T) plugin {
	directory := t.TempDir()
	return plugin{t, &tables{directory: directory}, filepath.Join(directory, "main.sqlite")}
}

func (p plugin) service() kplugv1.PluginServiceServer {
	p.Helper()
	service, err := kplug.NewService(newPlugin(p.tables))
	if err != nil {
		p.Fatal(err)
	}
	return service
}

func resource(json string) *kplugv1.Resource { return &kplugv1.Resource{Json: []byte(json)} }

func table(columns string) *kplugv1.Resource {
	return resource(`{"kind":"DatabaseTable","metadata":{"name":"users"},"spec":{"serverName":"main","columns":` + columns + `}}`)
}

// expect reconciles, and expects the changes in an Event or the failure in a message.
func (p plugin) expect(base *kplugv1.Resource, options string, expected string) {
	p.Helper()
	request := &kplugv1.ReconcileRequest{Base: base}
	if options != "" {
		extension := resource(`{"kind":"DatabaseTableSqliteExtension","metadata":{"name":"users"},"spec":` + options + `}`)
		request.Extensions = map[string]*kplugv1.Resource{extensionKey: extension}
	}
	response, err := p.service().Reconcile(p.Context(), request)
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
		p.Errorf("got %q, want %q", actual, expected)
	}
}

// sql runs a statement directly on the file and returns its first value.
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

func TestReconcileCreatesTheTableOnceAndKeepsItsRows(t *testing.T) {
	p := newTestPlugin(t)
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
		t.Errorf("got id %s, want 7", value)
	}
	p.expect(table(`[{"name":"key","type":"uuid"},{"name":"id","type":"string"}]`), "", "DataDoesNotFit: ")
	if value := p.sql("SELECT id FROM users"); value != "7" {
		t.Errorf("got id %s, want 7", value)
	}
}

func TestReconcileChangesTypesOnlyIfValuesAreKept(t *testing.T) {
	cases := []struct{ value, former, to, expected string }{
		{"1.0", "float64", "int32", "1"},
		{"1.7", "float64", "int32", ""},
		{"9223372036854775808.0", "float64", "int64", ""},
		{"9007199254740993", "int64", "float64", ""},
		{"9223372036854775807", "int64", "float64", ""},
		{"7", "int64", "string", "7"},
		{"'7'", "string", "int64", "7"},
		{"'007'", "string", "int64", ""},
		{"''", "string", "int64", ""},
		{"x'ff'", "bytes", "string", ""},
	}
	for _, c := range cases {
		for _, options := range []string{`{"strict":true}`, `{"strict":false}`} {
			p := newTestPlugin(t)
			columns := `[{"name":"id","type":"uint64"},{"name":"%s","type":"%s"}]`
			p.expect(table(fmt.Sprintf(columns, "Value", c.former)), options, "created")
			before := p.sql("INSERT INTO users VALUES (1, " + c.value + ") RETURNING quote(value)")
			wanted := table(fmt.Sprintf(columns, "value", c.to))
			if c.expected != "" {
				p.expect(wanted, options, "changed column Value")
				if value := p.sql("SELECT CAST(value AS TEXT) FROM users"); value != c.expected {
					t.Errorf("%v: got %s", c, value)
				}
				continue
			}
			p.expect(wanted, options, `DataDoesNotFit: Table users: column "value" can't change from `)
			if value := p.sql("SELECT quote(value) FROM users"); value != before {
				t.Errorf("%v: got %s, want %s", c, value, before)
			}
		}
	}
}

func TestReconcileKeepsTheValuesOfANameWithOtherCapitals(t *testing.T) {
	p := newTestPlugin(t)
	p.expect(table(`[{"name":"id","type":"uint64"},{"name":"größe","type":"string"}]`), "", "created")
	p.sql("INSERT INTO users VALUES (1, 'tall') RETURNING id")
	p.expect(table(`[{"name":"ID","type":"uint64"},{"name":"GRÖßE","type":"string"}]`), "", "changed column größe")
	if value := p.sql(`SELECT "GRÖßE" FROM users`); value != "tall" {
		t.Errorf("got %s", value)
	}
}

func TestReconcileInventsNoPrimaryKey(t *testing.T) {
	p := newTestPlugin(t)
	p.expect(table(`[{"name":"id","type":"uint64"},{"name":"number","type":"int64"}]`), "", "created")
	p.sql("INSERT INTO users VALUES (1, NULL) RETURNING id")
	for _, key := range []string{"number", "new"} {
		p.expect(table(`[{"name":"`+key+`","type":"int64"},{"name":"id","type":"uint64"}]`), "",
			`column "`+key+`" can't be the primary key, as 1 row(s) would have no value in it. Nothing was changed.`)
	}
}

func TestReconcileExplainsFailures(t *testing.T) {
	p := newTestPlugin(t)
	p.expect(resource("{"), "", "InvalidSpec: ")
	p.expect(resource(`{"kind":"DatabaseTable","spec":{"serverName":"../x"}}`), "", "InvalidSpec: DatabaseTable  is invalid: .spec.serverName")
	p.expect(table(`[]`), "", "must have at least one column")
	p.expect(table(`[{"name":"id","type":"uuid","size":3}]`), "", `unknown field "size"`)
	p.expect(table(`[{"name":"id","type":"uuid"},{"name":"ID","type":"uuid"}]`), "", "columns[1].name: duplicate column ID")
	p.expect(table(`[{"name":"id","type":"money"}]`), "", `UnsupportedColumnType: column "id" has the type "money". Supported types: bool,`)
	p.expect(table(`[{"name":"id","type":"uuid"}]`), `{"strict":7}`, "InvalidSpec: DatabaseTableSqliteExtension users is invalid: .spec.strict: must be bool, but is number")
	p.tables.directory = filepath.Join(p.tables.directory, "missing")
	p.expect(table(`[{"name":"id","type":"uuid"}]`), "", "DatabaseUnavailable: ")
}

func TestFinalizeIsIdempotent(t *testing.T) {
	p := newTestPlugin(t)
	finalize := func() {
		request := &kplugv1.FinalizeRequest{Base: table(`"nonsense"`)}
		response, err := p.service().Finalize(p.Context(), request)
		if err != nil || response.Outcome != kplugv1.Outcome_OUTCOME_SUCCESS {
			t.Errorf("got %v, %v", response, err)
		}
	}
	finalize()
	p.expect(table(`[{"name":"id","type":"uuid"}]`), "", "created")
	finalize()
	if tables := p.sql("SELECT count(*) FROM sqlite_schema WHERE type = 'table'"); tables != "0" {
		t.Errorf("got %s tables, want none", tables)
	}
	finalize()
}
