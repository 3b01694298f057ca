package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kplug.dev/sdk-go"
)

// tables reconciles tables in SQLite files.
type tables struct {
	// Directory of the SQLite files.
	directory string
	// Interval between checks for drift.
	checkInterval time.Duration
	// Image of Datasette, or empty for no dependents.
	datasetteImage string
}

// reconcile creates or alters the table, in one transaction.
func (t *tables) reconcile(ctx context.Context, call *kplug.Call[tableSpec, tableStatus]) (*kplug.Result[tableStatus], error) {
	wanted, err := call.Base.Spec.layout()
	if err != nil {
		return nil, err
	}
	// Of several extensions the first one by key is used.
	extension := options.First(call.Extensions)
	if extension != nil {
		extension.Spec.apply(&wanted)
	}
	file, name := t.file(call.Base.Spec), tableName(call.Base.Metadata)
	var changes []string
	var rows int64
	err = inTransaction(ctx, file, func(db *database) (err error) {
		if changes, err = db.makeTable(name, wanted); err == nil {
			rows, err = db.countRows(name)
		}
		return err
	})
	if err != nil {
		return nil, err
	}

	result := &kplug.Result[tableStatus]{
		Status:       &tableStatus{Table: &actualTable{Database: "SQLite", Name: name, Columns: wanted.Columns}},
		RequeueAfter: t.checkInterval,
	}
	if t.datasetteImage != "" {
		result.Dependents = dependents(call.Base, t.datasetteImage)
	}
	if extension != nil {
		result.Extensions = []kplug.ExtensionStatus{extension.WithStatus(optionsStatus{Rows: rows, File: file})}
	}
	if len(changes) > 0 {
		text := fmt.Sprintf("SQLite table %s: %s.", name, strings.Join(changes, "; "))
		call.Log.Info(text)
		result.Events = []kplug.Event{{Reason: "TableChanged", Message: text}}
	}
	return result, nil
}

// finalize drops the table. Its file is kept, as it may have other tables.
func (t *tables) finalize(ctx context.Context, call *kplug.FinalizeCall[tableSpec, tableStatus]) (*kplug.FinalizeResult, error) {
	// The columns don't matter: the table must be dropped even if they were edited to invalid ones. Without a file there is nothing to drop.
	if !serverName.MatchString(call.Base.Spec.ServerName) {
		return nil, kplug.Terminal("InvalidSpec", "%w", call.Base.SpecError())
	}
	file := t.file(call.Base.Spec)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	name := tableName(call.Base.Metadata)
	return nil, inTransaction(ctx, file, func(db *database) error { return db.dropTable(name) })
}

// file returns the path of the file with a table.
func (t *tables) file(spec tableSpec) string {
	return filepath.Join(t.directory, spec.ServerName+".sqlite")
}

// tableName returns the name of a table: that of the resource, with its namespace unless that is `default`.
func tableName(metadata kplug.Metadata) string {
	if metadata.Namespace == "" || metadata.Namespace == "default" {
		return metadata.Name
	}
	return metadata.Namespace + "/" + metadata.Name
}
