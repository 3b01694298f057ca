"""Tables in SQLite files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

# No resource can be called so: names of resources have no underscore.
_NEW = "kplug_new"


@dataclass(frozen=True)
class Layout:
    """What a table is; the first column is the primary key."""

    columns: Mapping[str, str]
    """The type of each column by its name, in SQLite's own words."""
    strict: bool = True
    without_row_id: bool = False


@contextmanager
def transaction(file: Path) -> Iterator[sqlite3.Connection]:
    """Opens a file for one pass, whose work is done wholly or not at all."""
    with closing(sqlite3.connect(file, timeout=5, isolation_level=None)) as db:
        # Taking the lock at once makes two instances of the plugin wait for each other.
        db.execute("BEGIN IMMEDIATE")
        yield db
        # Without this, closing rolls back.
        db.execute("COMMIT")


def make_table(db: sqlite3.Connection, table: str, wanted: Layout) -> list[str]:
    """Makes a table as it is wanted, and says what that took: nothing when it is so already."""
    actual = read_layout(db, table)
    if actual is None:
        _create(db, table, wanted)
        return ["created"]
    changes = _describe(wanted, actual)
    if not changes:
        return []
    added = [name for name in wanted.columns if name not in actual.columns]
    if len(added) == len(changes):
        for name in added:
            db.execute(f"ALTER TABLE main.{quote(table)} ADD COLUMN {quote(name)} {wanted.columns[name]}")
    else:
        _rebuild(db, table, wanted, actual)
    return changes


def read_layout(db: sqlite3.Connection, table: str) -> Layout | None:
    """The table as it is; `None` when there is none."""
    query = "SELECT strict, wr FROM pragma_table_list(?) WHERE schema = 'main' AND type = 'table'"
    found = db.execute(query, [table]).fetchone()
    if found is None:
        return None
    strict, without_row_id = found
    # The primary key first, as that is how it is wanted.
    columns = db.execute("SELECT name, type FROM pragma_table_info(?) ORDER BY pk = 0, cid", [table])
    return Layout(dict(columns), strict=bool(strict), without_row_id=bool(without_row_id))


def count_rows(db: sqlite3.Connection, table: str) -> int:
    """How many rows a table has."""
    (rows,) = db.execute(f"SELECT count(*) FROM main.{quote(table)}").fetchone()
    return int(rows)


def drop_table(db: sqlite3.Connection, table: str) -> None:
    """Drops a table, if it is there."""
    db.execute(f"DROP TABLE IF EXISTS main.{quote(table)}")


def quote(name: str) -> str:
    """Puts a name into a statement."""
    return '"' + name.replace('"', '""') + '"'


def _create(db: sqlite3.Connection, table: str, layout: Layout) -> None:
    key = next(iter(layout.columns))
    columns = [f"{quote(name)} {type_}{' NOT NULL' * (name == key)}" for name, type_ in layout.columns.items()]
    options = ["STRICT"] * layout.strict + ["WITHOUT ROWID"] * layout.without_row_id
    parts = ", ".join([*columns, f"PRIMARY KEY ({quote(key)})"])
    db.execute(f"CREATE TABLE main.{quote(table)} ({parts}) {', '.join(options)}")


def _rebuild(db: sqlite3.Connection, table: str, wanted: Layout, actual: Layout) -> None:
    """SQLite changes little of a table in place, so it is made anew, with the rows of the old one."""
    _create(db, _NEW, wanted)
    kept = ", ".join(quote(name) for name in wanted.columns if name in actual.columns)
    if kept:
        db.execute(f"INSERT INTO main.{_NEW} ({kept}) SELECT {kept} FROM main.{quote(table)}")
    drop_table(db, table)
    db.execute(f"ALTER TABLE main.{_NEW} RENAME TO {quote(table)}")


def _describe(wanted: Layout, actual: Layout) -> list[str]:
    changes = [f"dropped column {name}" for name in actual.columns if name not in wanted.columns]
    for name, type_ in wanted.columns.items():
        former = actual.columns.get(name)
        if former is None:
            changes.append(f"added column {name} ({type_})")
        elif former != type_:
            changes.append(f"changed column {name} from {former} to {type_}")
    key, former_key = next(iter(wanted.columns)), next(iter(actual.columns))
    if key != former_key:
        changes.append(f"changed the primary key from {former_key} to {key}")
    if wanted.strict != actual.strict:
        changes.append("made it strict" if wanted.strict else "made it not strict")
    if wanted.without_row_id != actual.without_row_id:
        changes.append("left out its row id" if wanted.without_row_id else "gave it a row id")
    return changes
