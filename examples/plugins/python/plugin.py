"""Plugin that keeps a table in an SQLite file for each `DatabaseTable`. Its `serverName` is the name of the file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from kplug import Call, Event, FinalizeCall, Metadata, Plugin, Result, Retry, Terminal
from msgspec import Meta, Struct, convert

from database import DataDoesNotFit, Layout, count_rows, drop_table, make_table, transaction
from dependents import dependents_of

DIRECTORY = Path(os.environ.get("SQLITE_DIRECTORY", "."))

CHECK_INTERVAL = float(os.environ.get("DATABASE_TABLE_CHECK_INTERVAL", "30000")) / 1000
"""Interval between checks for drift, in seconds."""

DATASETTE_IMAGE = os.environ.get("DATASETTE_IMAGE", "")
"""Image of Datasette, or empty for no dependents."""

TYPES = {
    "uint64": "INTEGER",
    "int64": "INTEGER",
    "int32": "INTEGER",
    "float64": "REAL",
    "string": "TEXT",
    "bytes": "BLOB",
    "bool": "INTEGER",
    "timestamp": "TEXT",
    "json": "TEXT",
    "uuid": "TEXT",
}


class Column(Struct, forbid_unknown_fields=True):
    """Column of a `DatabaseTable`."""

    name: Annotated[str, Meta(min_length=1, max_length=63)]
    type: str


class Server(Struct, rename="camel"):
    """Server of a table."""

    server_name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]

    @property
    def file(self) -> Path:
        """Path of the file of the server."""
        return DIRECTORY / f"{self.server_name}.sqlite"


class Table(Server, rename="camel"):
    """Spec of a `DatabaseTable`, with the fields that this plugin uses."""

    columns: Annotated[list[Column], Meta(min_length=1)]

    def __post_init__(self) -> None:
        """Validates that the names of columns are unique. The user reads the message."""
        seen: set[str] = set()
        for column in self.columns:
            # Names are case-insensitive in SQLite.
            if column.name.lower() in seen:
                raise ValueError(f"duplicate column {column.name}")
            seen.add(column.name.lower())


class Options(Struct, rename="camel", forbid_unknown_fields=True):
    """Spec of a `DatabaseTableSqliteExtension`."""

    strict: bool = True
    without_row_id: bool = False


plugin = Plugin(
    os.environ.get("PLUGIN_NAME", "SQLite"),
    version=os.environ.get("PLUGIN_VERSION", "1.0.0"),
    api="DatabaseTable@1.0.0",
    spec=Table,
    extensions={"DatabaseTableSqliteExtension": Options},
)


@plugin.reconcile
def reconcile(call: Call[Table]) -> Result:
    """Creates or alters the table, in one transaction."""
    extension = call.extensions.get(Options)
    layout = layout_of(call.base.spec, Options() if extension is None else extension.spec)
    name, file = table_name(call.base.metadata), call.base.spec.file
    with sqlite_failures(file), transaction(file) as db:
        changes = make_table(db, name, layout)
        rows = count_rows(db, name)
    if changes:
        call.log.info("%s", "; ".join(changes))
    return Result(
        status={"table": {"database": "SQLite", "name": name, "columns": columns_status(layout)}},
        extensions={} if extension is None else {extension: {"rows": rows, "file": str(file)}},
        events=[Event("TableChanged", f"SQLite table {name}: {'; '.join(changes)}.")] if changes else [],
        dependents=dependents_of(call.base, file, DATASETTE_IMAGE) if DATASETTE_IMAGE else None,
        requeue_after=CHECK_INTERVAL,
    )


@plugin.finalize
def finalize(call: FinalizeCall[Table]) -> None:
    """Drops the table. Its file is kept, as it may have other tables."""
    spec = call.base.spec
    # The spec is a dict if it was edited to an invalid one. The table must be dropped nevertheless.
    file = (spec if isinstance(spec, Table) else convert(spec, Server)).file
    if file.exists():
        with sqlite_failures(file), transaction(file) as db:
            drop_table(db, table_name(call.base.metadata))


def layout_of(spec: Table, options: Options) -> Layout:
    """Returns the wanted layout. Raises `Terminal` for unsupported types."""
    unknown = [
        f'column "{column.name}" has the type "{column.type}"' for column in spec.columns if column.type not in TYPES
    ]
    if unknown:
        supported = ", ".join(TYPES)
        raise Terminal(f"{', '.join(unknown)}. Supported types: {supported}.", reason="UnsupportedColumnType")
    columns = {column.name: TYPES[column.type] for column in spec.columns}
    return Layout(columns, strict=options.strict, without_row_id=options.without_row_id)


def columns_status(layout: Layout) -> list[dict[str, str]]:
    """Encodes the columns for the status."""
    return [{"name": name, "type": type_} for name, type_ in layout.columns.items()]


def table_name(metadata: Metadata) -> str:
    """Returns the name of the resource, with its namespace unless that is `default`."""
    return metadata.name if metadata.namespace in {None, "default"} else f"{metadata.namespace}/{metadata.name}"


@contextmanager
def sqlite_failures(file: Path) -> Iterator[None]:
    """Converts errors of SQLite into failures."""
    try:
        yield
    except sqlite3.OperationalError as error:
        # Usually transient: the file is locked or missing, or the disk is full.
        raise Retry(f"SQLite file {file}: {error}", reason="DatabaseUnavailable") from error
    except (sqlite3.IntegrityError, DataDoesNotFit) as error:
        advice = "Nothing was changed. Correct the data or the columns, then edit this resource."
        raise Terminal(f"SQLite file {file}: {error}. {advice}", reason="DataDoesNotFit") from error


if __name__ == "__main__":
    plugin.run()
