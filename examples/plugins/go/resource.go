package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"kplug.dev/sdk-go"
)

// options are the extensions that this plugin understands.
var options = kplug.Extension[tableOptions, optionsStatus]{Kind: "DatabaseTableSqliteExtension", Strict: true}

var serverName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// columnTypes maps the types of DatabaseTable to those of SQLite.
var columnTypes = map[string]string{
	"uint64": "INTEGER", "int64": "INTEGER", "int32": "INTEGER", "float64": "REAL", "string": "TEXT",
	"bytes": "BLOB", "bool": "INTEGER", "timestamp": "TEXT", "json": "TEXT", "uuid": "TEXT",
}

// tableSpec has the fields of a DatabaseTable that this plugin uses.
type tableSpec struct {
	ServerName string          `json:"serverName"`
	Columns    json.RawMessage `json:"columns"`
}

type tableStatus struct {
	Table *actualTable `json:"table,omitempty"`
}

type actualTable struct {
	Database string   `json:"database"`
	Name     string   `json:"name"`
	Columns  []column `json:"columns"`
}

// tableOptions is the spec of the extension.
type tableOptions struct {
	Strict       *bool `json:"strict"`
	WithoutRowID *bool `json:"withoutRowId"`
}

type optionsStatus struct {
	Rows int64  `json:"rows"`
	File string `json:"file"`
}

// Validate reports the first field that is invalid.
func (s tableSpec) Validate() error {
	if !serverName.MatchString(s.ServerName) {
		return errors.New(".spec.serverName: must be 1 to 63 letters, digits, '.', '_' and '-', and begin with a letter or digit")
	}
	columns, err := s.columns()
	if err != nil {
		return fmt.Errorf(".spec.columns: %w", err)
	}
	if len(columns) == 0 {
		return errors.New(".spec.columns: must have at least one column")
	}
	wanted := layout{Columns: columns}
	for index, column := range columns {
		if length := len(column.Name); length < 1 || length > 63 {
			return fmt.Errorf(".spec.columns[%d].name: must be 1 to 63 bytes long", index)
		}
		if wanted.find(column.Name) != index {
			return fmt.Errorf(".spec.columns[%d].name: duplicate column %s", index, column.Name)
		}
	}
	return nil
}

// columns decodes the columns, and rejects unknown fields.
func (s tableSpec) columns() (columns []column, err error) {
	if len(s.Columns) == 0 {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(s.Columns))
	decoder.DisallowUnknownFields()
	return columns, decoder.Decode(&columns)
}

// layout returns the wanted layout, with the types of SQLite.
func (s tableSpec) layout() (layout, error) {
	columns, err := s.columns()
	if err != nil {
		return layout{}, err
	}
	var unknown []string
	for index := range columns {
		column := &columns[index]
		databaseType, known := columnTypes[column.Type]
		if !known {
			unknown = append(unknown, fmt.Sprintf("column %q has the type %q", column.Name, column.Type))
		}
		column.Type = databaseType
	}
	if len(unknown) > 0 {
		choice := strings.Join(slices.Sorted(maps.Keys(columnTypes)), ", ")
		return layout{}, kplug.Terminal("UnsupportedColumnType", "%s. Supported types: %s.", strings.Join(unknown, ", "), choice)
	}
	return layout{Columns: columns, Strict: true}, nil
}

// apply applies the options to a layout.
func (o tableOptions) apply(wanted *layout) {
	if o.Strict != nil {
		wanted.Strict = *o.Strict
	}
	if o.WithoutRowID != nil {
		wanted.WithoutRowID = *o.WithoutRowID
	}
}
