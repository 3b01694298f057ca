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

// What the types of DatabaseTable are in SQLite.
var columnTypes = map[string]string{
	"uint64": "INTEGER", "int64": "INTEGER", "int32": "INTEGER", "float64": "REAL", "string": "TEXT",
	"bytes": "BLOB", "bool": "INTEGER", "timestamp": "TEXT", "json": "TEXT", "uuid": "TEXT",
}

// databaseTable is a DatabaseTable. What other plugins need of it is passed over.
type databaseTable struct {
	Metadata struct{ Namespace, Name string }
	Spec     struct {
		ServerName string
		Columns    json.RawMessage
	}
}

// readTable decodes a DatabaseTable as far as it must be right to find its table.
func readTable(resource *kplugv1.Resource) (*databaseTable, error) {
	var table databaseTable
	if err := json.Unmarshal(resource.GetJson(), &table); err != nil {
		return nil, invalid("", "DatabaseTable is invalid: %s", err)
	}
	if !serverName.MatchString(table.Spec.ServerName) {
		return nil, table.invalid(".spec.serverName: it has 1 to 63 letters, digits, '.', '_' and '-', and begins with a letter or digit")
	}
	return &table, nil
}

// file is where the table is.
func (t *databaseTable) file(directory string) string {
	return filepath.Join(directory, t.Spec.ServerName+".sqlite")
}

// name is the table's: the resource's own, with its namespace unless that is `default`.
func (t *databaseTable) name() string {
	if t.Metadata.Namespace == "" || t.Metadata.Namespace == "default" {
		return t.Metadata.Name
	}
	return t.Metadata.Namespace + "/" + t.Metadata.Name
}

// layout is the table that is wanted, in SQLite's own words.
func (t *databaseTable) layout() (layout, error) {
	wanted := layout{Strict: true}
	if err := decodeStrictly(t.Spec.Columns, &wanted.Columns); err != nil {
		return layout{}, t.invalid(".spec.columns: %s", err)
	}
	if len(wanted.Columns) == 0 {
		return layout{}, t.invalid(".spec.columns: a table has at least one column")
	}
	var unknown []string
	for index := range wanted.Columns {
		column := &wanted.Columns[index]
		if length := len(column.Name); length < 1 || length > 63 {
			return layout{}, t.invalid(".spec.columns[%d].name: a column name has 1 to 63 bytes", index)
		}
		if wanted.find(column.Name) != index {
			return layout{}, t.invalid(".spec.columns[%d].name: there are two columns %s", index, column.Name)
		}
		databaseType, known := columnTypes[column.Type]
		if !known {
			unknown = append(unknown, fmt.Sprintf("column %q has the type %q", column.Name, column.Type))
		}
		column.Type = databaseType
	}
	if len(unknown) > 0 {
		choice := strings.Join(slices.Sorted(maps.Keys(columnTypes)), ", ")
		return layout{}, terminal("UnsupportedColumnType", "%s. Types to choose from: %s.", strings.Join(unknown, ", "), choice)
	}
	return wanted, nil
}

func (t *databaseTable) invalid(format string, args ...any) failure {
	return invalid("", "DatabaseTable "+t.Metadata.Name+" is invalid: "+format, args...)
}

// applyOptions changes a layout as the extension demands, if there is one, and returns the extension's key.
func applyOptions(wanted *layout, extensions map[string]*kplugv1.Resource) (string, error) {
	// Of several the first counts, always the same.
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

// decodeStrictly decodes JSON without fields that are not known. Nothing is decoded as nothing.
func decodeStrictly(data json.RawMessage, into any) error {
	if len(data) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}
