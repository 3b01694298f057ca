"""Tables in SQLite files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

# Temporary name of a table. It can't be the name of a resource, as those have no underscore.
_NEW = "kplug_new"


@dataclass(frozen=True)
class Layout:
    """Schema of a table. The first column is the primary key."""

    columns: Mapping[str, str]
    """SQLite types of the columns, by name."""
    strict: bool = True
    without_row_id: bool = False

    def find(self, name: str) -> str | None:
        """Returns the name of a column as it is in this layout. Names are case-insensitive in SQLite."""
        return next((column for column in self.columns if column.lower() == name.lower()), None)


class DataDoesNotFit(Exception):
    """A change that some rows would not survive. The user reads the message."""


@contextmanager
def transaction(file: Path) -> Iterator[sqlite3.Connection]:
    """Opens a file and begins a transaction, which an exception rolls back."""
    with closing(sqlite3.connect(file, timeout=5, isolation_level=None)) as db:
        # With an immediate lock, concurrent instances of the plugin wait for each other.
        db.execute("BEGIN IMMEDIATE")
        yield db
        # Closing without COMMIT rolls back.
        db.execute("COMMIT")


def make_table(db: sqlite3.Connection, table: str, wanted: Layout) -> list[str]:
    """Creates or alters a table and returns the changes, which are none if it is up to date."""
    actual = read_layout(db, table)
    if actual is None:
        _create(db, table, wanted)
        return ["created"]
    changes = _describe(wanted, actual)
    if not changes:
        return []
    _check_rows(db, table, wanted, actual)
    added = [name for name in wanted.columns if actual.find(name) is None]
    if len(added) == len(changes):
        for name in added:
            db.execute(f"ALTER TABLE main.{quote(table)} ADD COLUMN {quote(name)} {wanted.columns[name]}")
    else:
        _rebuild(db, table, wanted, actual)
    return changes


def read_layout(db: sqlite3.Connection, table: str) -> Layout | None:
    """Returns the actual layout of a table; `None` if it does not exist."""
    query = "SELECT strict, wr FROM pragma_table_list(?) WHERE schema = 'main' AND type = 'table'"
    found = db.execute(query, [table]).fetchone()
    if found is None:
        return None
    strict, without_row_id = found
    # The primary key is the first column of a layout.
    columns = db.execute("SELECT name, type FROM pragma_table_info(?) ORDER BY pk = 0, cid", [table])
    return Layout(dict(columns), strict=bool(strict), without_row_id=bool(without_row_id))


def count_rows(db: sqlite3.Connection, table: str) -> int:
    """Counts the rows of a table."""
    (rows,) = db.execute(f"SELECT count(*) FROM main.{quote(table)}").fetchone()
    return int(rows)


def drop_table(db: sqlite3.Connection, table: str) -> None:
    """Drops a table if it exists."""
    db.execute(f"DROP TABLE IF EXISTS main.{quote(table)}")


def quote(name: str) -> str:
    """Quotes a name for a statement."""
    return '"' + name.replace('"', '""') + '"'


def _create(db: sqlite3.Connection, table: str, layout: Layout) -> None:
    key = next(iter(layout.columns))
    columns = [f"{quote(name)} {type_}{' NOT NULL' * (name == key)}" for name, type_ in layout.columns.items()]
    options = ["STRICT"] * layout.strict + ["WITHOUT ROWID"] * layout.without_row_id
    parts = ", ".join([*columns, f"PRIMARY KEY ({quote(key)})"])
    db.execute(f"CREATE TABLE main.{quote(table)} ({parts}) {', '.join(options)}")


def _rebuild(db: sqlite3.Connection, table: str, wanted: Layout, actual: Layout) -> None:
    """Replaces a table by a new one with its rows, for changes that ALTER TABLE doesn't support."""
    _create(db, _NEW, wanted)
    # Names with other capitals are the same for this plugin, but SQLite compares only the letters of ASCII so.
    kept = [(name, former) for name in wanted.columns if (former := actual.find(name))]
    if kept:
        names, formers = (", ".join(map(quote, column)) for column in zip(*kept, strict=True))
        db.execute(f"INSERT INTO main.{_NEW} ({names}) SELECT {formers} FROM main.{quote(table)}")
    drop_table(db, table)
    db.execute(f"ALTER TABLE main.{_NEW} RENAME TO {quote(table)}")


def _check_rows(db: sqlite3.Connection, table: str, wanted: Layout, actual: Layout) -> None:
    """Raises `DataDoesNotFit` if a row would lose a value, or would have none in a new primary key.

    SQLite would round values, and number rows whose integer key is NULL.
    """
    for index, (name, type_) in enumerate(wanted.columns.items()):
        former = actual.find(name)
        if index == 0:
            rows = _count(db, table, "true" if former is None else f"{quote(former)} IS NULL")
            if rows:
                raise DataDoesNotFit(f'column "{name}" can\'t be the primary key, as {rows} would have no value in it')
        if former is not None and actual.columns[former] != type_:
            rows = _count(db, table, f"NOT ({_keeps(quote(former), type_)})")
            if rows:
                change = f"from {actual.columns[former]} to {type_}"
                raise DataDoesNotFit(f'column "{name}" can\'t change {change}, as {rows} would lose the value')


def _keeps(value: str, type_: str) -> str:
    """Condition that a value is equal after its conversion to another type and back."""
    new = f"CAST({value} AS {type_})"
    # Beyond 2^53, not all integers are floats, and SQLite converts to the closest one.
    exact = f"{value} BETWEEN -9007199254740992 AND 9007199254740992"
    return (
        f"CASE typeof({value}) WHEN 'null' THEN true WHEN '{type_.lower()}' THEN true "
        f"WHEN 'integer' THEN CAST({new} AS INTEGER) = {value} AND ({type_!r} <> 'REAL' OR {exact}) "
        f"WHEN 'real' THEN CAST({new} AS REAL) = {value} AND ({type_!r} <> 'INTEGER' OR {exact}) "
        f"WHEN 'text' THEN CAST({new} AS TEXT) = {value} COLLATE BINARY ELSE false END"
    )


def _count(db: sqlite3.Connection, table: str, condition: str) -> str | None:
    """Counts rows, in words; `None` if there is none."""
    (rows,) = db.execute(f"SELECT count(*) FROM main.{quote(table)} WHERE {condition}").fetchone()
    return f"{rows} {'row' if rows == 1 else 'rows'}" if rows else None


def _describe(wanted: Layout, actual: Layout) -> list[str]:
    changes = [f"dropped column {name}" for name in actual.columns if wanted.find(name) is None]
    for name, type_ in wanted.columns.items():
        former = actual.find(name)
        if former is None:
            changes.append(f"added column {name} ({type_})")
            continue
        if former != name:
            changes.append(f"renamed column {former} to {name}")
        if actual.columns[former] != type_:
            changes.append(f"changed column {name} from {actual.columns[former]} to {type_}")
    key, former_key = next(iter(wanted.columns)), next(iter(actual.columns))
    if key.lower() != former_key.lower():
        changes.append(f"changed the primary key from {former_key} to {key}")
    if wanted.strict != actual.strict:
        changes.append(f"set strict to {str(wanted.strict).lower()}")
    if wanted.without_row_id != actual.without_row_id:
        changes.append(f"set withoutRowId to {str(wanted.without_row_id).lower()}")
    return changes
