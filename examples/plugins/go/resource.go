package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	kplugv1 "example.org/sqlite-plugin/gen/kplug/v1"
)

const extensionKind = "DatabaseTableSqliteExtension"

var serverName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// columnTypes maps the types of DatabaseTable to those of SQLite.
var columnTypes = map[string]string{
	"uint64": "INTEGER", "int64": "INTEGER", "int32": "INTEGER", "float64": "REAL", "string": "TEXT",
	"bytes": "BLOB", "bool": "INTEGER", "timestamp": "TEXT", "json": "TEXT", "uuid": "TEXT",
}

// databaseTable has the fields of a DatabaseTable that this plugin uses.
type databaseTable struct {
	Metadata struct{ Namespace, Name string }
	Spec     struct {
		ServerName string
		Columns    json.RawMessage
	}
}

// readTable decodes a DatabaseTable and validates what is needed to find its table.
func readTable(resource *kplugv1.Resource) (*databaseTable, error) {
	var table databaseTable
	if err := json.Unmarshal(resource.GetJson(), &table); err != nil {
		return nil, invalid("", "DatabaseTable is invalid: %s", err)
	}
	if !serverName.MatchString(table.Spec.ServerName) {
		return nil, table.invalid(".spec.serverName: must be 1 to 63 letters, digits, '.', '_' and '-', and begin with a letter or digit")
	}
	return &table, nil
}

// file returns the path of the file with the table.
func (t *databaseTable) file(directory string) string {
	return filepath.Join(directory, t.Spec.ServerName+".sqlite")
}

// name returns the name of the table: that of the resource, with its namespace unless that is `default`.
func (t *databaseTable) name() string {
	if t.Metadata.Namespace == "" || t.Metadata.Namespace == "default" {
		return t.Metadata.Name
	}
	return t.Metadata.Namespace + "/" + t.Metadata.Name
}

// layout returns the wanted layout, with the types of SQLite.
func (t *databaseTable) layout() (layout, error) {
	wanted := layout{Strict: true}
	if err := decodeStrictly(t.Spec.Columns, &wanted.Columns); err != nil {
		return layout{}, t.invalid(".spec.columns: %s", err)
	}
	if len(wanted.Columns) == 0 {
		return layout{}, t.invalid(".spec.columns: must have at least one column")
	}
	var unknown []string
	for index := range wanted.Columns {
		column := &wanted.Columns[index]
		if length := len(column.Name); length < 1 || length > 63 {
			return layout{}, t.invalid(".spec.columns[%d].name: must be 1 to 63 bytes long", index)
		}
		if wanted.find(column.Name) != index {
			return layout{}, t.invalid(".spec.columns[%d].name: duplicate column %s", index, column.Name)
		}
		databaseType, known := columnTypes[column.Type]
		if !known {
			unknown = append(unknown, fmt.Sprintf("column %q has the type %q", column.Name, column.Type))
		}
		column.Type = databaseType
	}
	if len(unknown) > 0 {
		choice := strings.Join(slices.Sorted(maps.Keys(columnTypes)), ", ")
		return layout{}, terminal("UnsupportedColumnType", "%s. Supported types: %s.", strings.Join(unknown, ", "), choice)
	}
	return wanted, nil
}

func (t *databaseTable) invalid(format string, args ...any) failure {
	return invalid("", "DatabaseTable "+t.Metadata.Name+" is invalid: "+format, args...)
}

// applyOptions applies the options of the extension, if there is one, to a layout and returns the key of the extension.
func applyOptions(wanted *layout, extensions map[string]*kplugv1.Resource) (string, error) {
	// Of several extensions the first one by key is used.
	for _, key := range slices.Sorted(maps.Keys(extensions)) {
		var extension struct {
			Kind string
			Spec json.RawMessage
		}
		if err := json.Unmarshal(extensions[key].GetJson(), &extension); err != nil {
			return "", invalid(key, "%s is invalid: %s", key, err)
		}
		if extension.Kind != extensionKind {
			continue
		}
		options := struct{ Strict, WithoutRowID *bool }{&wanted.Strict, &wanted.WithoutRowID}
		if err := decodeStrictly(extension.Spec, &options); err != nil {
			return "", invalid(key, "%s is invalid: .spec: %s", key, err)
		}
		return key, nil
	}
	return "", nil
}

// decodeStrictly decodes JSON and rejects unknown fields. Missing data leaves the target unchanged.
func decodeStrictly(data json.RawMessage, into any) error {
	if len(data) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}
