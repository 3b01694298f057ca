package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"kplug.dev/sdk-go"
	"modernc.org/sqlite"
)

// newTable is the temporary name of a table. It can't be the name of a resource, as those have no underscore.
const newTable = "kplug_new"

type column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// layout is the schema of a table. The first column is the primary key.
type layout struct {
	Columns              []column
	Strict, WithoutRowID bool
}

// find returns the index of the first column with a name, or -1. Names are case-insensitive in SQLite.
func (l layout) find(name string) int {
	return slices.IndexFunc(l.Columns, func(c column) bool { return strings.EqualFold(c.Name, name) })
}

// database is a transaction on an SQLite file.
type database struct {
	ctx context.Context
	tx  *sql.Tx
}

// inTransaction opens a file and does some work in a transaction.
func inTransaction(ctx context.Context, file string, work func(*database) error) error {
	path, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	// With an immediate lock, concurrent instances of the plugin wait for each other.
	source := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: "_txlock=immediate&_pragma=busy_timeout(5000)"}
	db, err := sql.Open("sqlite", source.String())
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return explainSqlite(file, err)
	}
	// Does nothing after a commit.
	defer tx.Rollback()
	if err := work(&database{ctx, tx}); err != nil {
		return explainSqlite(file, err)
	}
	return explainSqlite(file, tx.Commit())
}

// explainSqlite converts an error of SQLite into a failure, by its primary result code: https://sqlite.org/rescode.html
func explainSqlite(file string, err error) error {
	var sqliteError *sqlite.Error
	if !errors.As(err, &sqliteError) {
		return err
	}
	switch sqliteError.Code() & 0xff {
	case 5, 6, 8, 10, 13, 14:
		return kplug.Retry("DatabaseUnavailable", "SQLite file %s: %s.", file, err)
	case 19, 20:
		return kplug.Terminal("DataDoesNotFit",
			"SQLite file %s: %s. Nothing was changed. Correct the data or the columns, then edit this resource.", file, err)
	default:
		return kplug.Terminal("StatementRefused", "SQLite file %s: %s. Nothing was changed.", file, err)
	}
}

// makeTable creates or alters a table and returns the changes, which are none if it is up to date.
func (db *database) makeTable(table string, wanted layout) ([]string, error) {
	actual, err := db.readLayout(table)
	if errors.Is(err, sql.ErrNoRows) {
		return []string{"created"}, db.create(table, wanted)
	}
	if err != nil {
		return nil, err
	}
	changes := describe(wanted, actual)
	if err := db.checkRows(table, wanted, actual); err != nil {
		return nil, err
	}
	added := slices.DeleteFunc(slices.Clone(wanted.Columns), func(c column) bool { return actual.find(c.Name) >= 0 })
	if len(added) < len(changes) {
		return changes, db.rebuild(table, wanted, actual)
	}
	for _, c := range added {
		if err := db.execute("ALTER TABLE main.%s ADD COLUMN %s %s", quote(table), quote(c.Name), c.Type); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// checkRows refuses changes that some rows would not survive: SQLite would round values, and number rows whose integer key is NULL.
func (db *database) checkRows(table string, wanted, actual layout) error {
	for index, c := range wanted.Columns {
		condition := "true"
		former := actual.find(c.Name)
		if former >= 0 {
			condition = quote(actual.Columns[former].Name) + " IS NULL"
		}
		if index == 0 {
			if err := db.refuse(table, condition, fmt.Sprintf("column %q can't be the primary key", c.Name), "have no value in it"); err != nil {
				return err
			}
		}
		if former < 0 || actual.Columns[former].Type == c.Type {
			continue
		}
		change := fmt.Sprintf("column %q can't change from %s to %s", c.Name, actual.Columns[former].Type, c.Type)
		if err := db.refuse(table, "NOT ("+keeps(quote(actual.Columns[former].Name), c.Type)+")", change, "lose the value"); err != nil {
			return err
		}
	}
	return nil
}

// refuse returns a permanent failure if a condition is true for any row.
func (db *database) refuse(table, condition, change, effect string) error {
	var rows int64
	query := "SELECT count(*) FROM main." + quote(table) + " WHERE " + condition
	if err := db.tx.QueryRowContext(db.ctx, query).Scan(&rows); err != nil || rows == 0 {
		return err
	}
	return kplug.Terminal("DataDoesNotFit", "Table %s: %s, as %d row(s) would %s. Nothing was changed. "+
		"Correct the data or the columns, then edit this resource.", table, change, rows, effect)
}

// keeps returns the condition that a value is equal after its conversion to another type and back.
func keeps(value, columnType string) string {
	// Beyond 2^53, not all integers are floats, and SQLite converts to the closest one.
	exact := value + " BETWEEN -9007199254740992 AND 9007199254740992"
	replacer := strings.NewReplacer("$value", value, "$type", columnType, "$class", strings.ToLower(columnType), "$exact", exact)
	return replacer.Replace(`CASE typeof($value) WHEN 'null' THEN true WHEN '$class' THEN true
		WHEN 'integer' THEN CAST(CAST($value AS $type) AS INTEGER) = $value AND ('$type' <> 'REAL' OR $exact)
		WHEN 'real' THEN CAST(CAST($value AS $type) AS REAL) = $value AND ('$type' <> 'INTEGER' OR $exact)
		WHEN 'text' THEN CAST(CAST($value AS $type) AS TEXT) = $value COLLATE BINARY ELSE false END`)
}

// readLayout returns the actual layout of a table, or sql.ErrNoRows if it does not exist.
func (db *database) readLayout(table string) (layout, error) {
	var found layout
	query := "SELECT strict, wr FROM pragma_table_list(?) WHERE schema = 'main' AND type = 'table'"
	if err := db.tx.QueryRowContext(db.ctx, query, table).Scan(&found.Strict, &found.WithoutRowID); err != nil {
		return layout{}, err
	}
	// The primary key is the first column of a layout.
	query = "SELECT name, type FROM pragma_table_info(?) ORDER BY pk = 0, cid"
	rows, err := db.tx.QueryContext(db.ctx, query, table)
	if err != nil {
		return layout{}, err
	}
	defer rows.Close()
	for rows.Next() {
		var c column
		if err := rows.Scan(&c.Name, &c.Type); err != nil {
			return layout{}, err
		}
		found.Columns = append(found.Columns, c)
	}
	return found, rows.Err()
}

func (db *database) countRows(table string) (rows int64, err error) {
	err = db.tx.QueryRowContext(db.ctx, "SELECT count(*) FROM main."+quote(table)).Scan(&rows)
	return rows, err
}

// dropTable drops a table if it exists.
func (db *database) dropTable(table string) error {
	return db.execute("DROP TABLE IF EXISTS main.%s", quote(table))
}

func (db *database) create(table string, wanted layout) error {
	var parts, options []string
	for index, c := range wanted.Columns {
		part := quote(c.Name) + " " + c.Type
		if index == 0 {
			part += " NOT NULL"
		}
		parts = append(parts, part)
	}
	parts = append(parts, "PRIMARY KEY ("+quote(wanted.Columns[0].Name)+")")
	if wanted.Strict {
		options = append(options, "STRICT")
	}
	if wanted.WithoutRowID {
		options = append(options, "WITHOUT ROWID")
	}
	return db.execute("CREATE TABLE main.%s (%s) %s", quote(table), strings.Join(parts, ", "), strings.Join(options, ", "))
}

// rebuild replaces a table by a new one with its rows, for changes that ALTER TABLE doesn't support.
func (db *database) rebuild(table string, wanted, actual layout) error {
	if err := db.create(newTable, wanted); err != nil {
		return err
	}
	// Names with other capitals are the same for this plugin, but SQLite compares only the letters of ASCII so.
	var names, formers []string
	for _, c := range wanted.Columns {
		if former := actual.find(c.Name); former >= 0 {
			names = append(names, quote(c.Name))
			formers = append(formers, quote(actual.Columns[former].Name))
		}
	}
	if len(names) > 0 {
		into, from := strings.Join(names, ", "), strings.Join(formers, ", ")
		if err := db.execute("INSERT INTO main.%s (%s) SELECT %s FROM main.%s", newTable, into, from, quote(table)); err != nil {
			return err
		}
	}
	if err := db.dropTable(table); err != nil {
		return err
	}
	return db.execute("ALTER TABLE main.%s RENAME TO %s", newTable, quote(table))
}

func (db *database) execute(format string, args ...any) error {
	_, err := db.tx.ExecContext(db.ctx, fmt.Sprintf(format, args...))
	return err
}

// quote quotes a name for a statement.
func quote(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// describe lists the changes from the actual to the wanted layout.
func describe(wanted, actual layout) (changes []string) {
	add := func(format string, args ...any) { changes = append(changes, fmt.Sprintf(format, args...)) }
	for _, c := range actual.Columns {
		if wanted.find(c.Name) < 0 {
			add("dropped column %s", c.Name)
		}
	}
	for _, c := range wanted.Columns {
		if index := actual.find(c.Name); index < 0 {
			add("added column %s (%s)", c.Name, c.Type)
		} else if former := actual.Columns[index]; former != c {
			add("changed column %s %s to %s %s", former.Name, former.Type, c.Name, c.Type)
		}
	}
	if key, former := wanted.Columns[0].Name, actual.Columns[0].Name; !strings.EqualFold(key, former) {
		add("changed the primary key from %s to %s", former, key)
	}
	if wanted.Strict != actual.Strict {
		add("set strict to %t", wanted.Strict)
	}
	if wanted.WithoutRowID != actual.WithoutRowID {
		add("set withoutRowId to %t", wanted.WithoutRowID)
	}
	return changes
}
