from collections.abc import Iterator
from pathlib import Path
from sqlite3 import Connection

import pytest

from database import DataDoesNotFit, Layout, count_rows, drop_table, make_table, read_layout, transaction

USERS = Layout({"id": "INTEGER", "name": "TEXT"})


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    with transaction(tmp_path / "test.sqlite") as db:
        yield db


def test_a_table_is_created_once(db: Connection) -> None:
    assert make_table(db, "users", USERS) == ["created"]
    assert make_table(db, "users", USERS) == []
    assert read_layout(db, "users") == USERS


@pytest.mark.parametrize(
    ("wanted", "changes"),
    [
        (Layout({"id": "INTEGER", "name": "TEXT", "mail": "TEXT"}), ["added column mail (TEXT)"]),
        (Layout({"id": "INTEGER", "mail": "TEXT"}), ["dropped column name", "added column mail (TEXT)"]),
        (Layout({"id": "TEXT", "name": "TEXT"}), ["changed column id from INTEGER to TEXT"]),
        (Layout({"ID": "INTEGER", "name": "TEXT"}), ["renamed column id to ID"]),
        (Layout({"name": "TEXT", "id": "INTEGER"}), ["changed the primary key from id to name"]),
        (Layout(USERS.columns, strict=False), ["set strict to false"]),
        (Layout(USERS.columns, without_row_id=True), ["set withoutRowId to true"]),
    ],
)
def test_altering_a_table_keeps_its_rows(db: Connection, wanted: Layout, changes: list[str]) -> None:
    make_table(db, "users", USERS)
    db.execute("INSERT INTO users VALUES (1, 'Ada'), (2, 'Bob')")
    assert make_table(db, "users", wanted) == changes
    assert read_layout(db, "users") == wanted
    assert count_rows(db, "users") == 2


@pytest.mark.parametrize(
    ("value", "former", "type_", "expected"),
    [
        (1.0, "REAL", "INTEGER", 1),
        (1.7, "REAL", "INTEGER", DataDoesNotFit),
        (2.0**63, "REAL", "INTEGER", DataDoesNotFit),
        (7, "INTEGER", "REAL", 7.0),
        (2**53 + 1, "INTEGER", "REAL", DataDoesNotFit),
        (2**63 - 1, "INTEGER", "REAL", DataDoesNotFit),
        (7, "INTEGER", "TEXT", "7"),
        ("7", "TEXT", "INTEGER", 7),
        ("007", "TEXT", "INTEGER", DataDoesNotFit),
        ("1.50", "TEXT", "REAL", DataDoesNotFit),
        ("", "TEXT", "INTEGER", DataDoesNotFit),
        (b"x", "BLOB", "TEXT", DataDoesNotFit),
        (None, "BLOB", "INTEGER", None),
    ],
)
def test_a_type_changes_only_if_values_are_kept(
    db: Connection, value: object, former: str, type_: str, expected: object
) -> None:
    for strict in (True, False):
        make_table(db, "users", Layout({"id": "INTEGER", "{Value}": former}, strict))
        db.execute("INSERT INTO users VALUES (1, ?)", [value])
        wanted = Layout({"id": "INTEGER", "{value}": type_}, strict)
        if expected is DataDoesNotFit:
            message = f'column "{{value}}" can\'t change from {former} to {type_}, as 1 row would lose the value'
            with pytest.raises(DataDoesNotFit, match=message):
                make_table(db, "users", wanted)
        else:
            make_table(db, "users", wanted)
        (stored,) = db.execute('SELECT "{value}" FROM users').fetchone()
        assert stored == (value if expected is DataDoesNotFit else expected)
        drop_table(db, "users")


def test_a_name_with_other_capitals_is_the_same_column(db: Connection) -> None:
    make_table(db, "users", Layout({"id": "INTEGER", "größe": "TEXT"}))
    db.execute("INSERT INTO users VALUES (1, 'tall')")
    assert make_table(db, "users", Layout({"ID": "INTEGER", "GRÖßE": "TEXT"})) == [
        "renamed column id to ID",
        "renamed column größe to GRÖßE",
    ]
    assert db.execute("SELECT * FROM users").fetchall() == [(1, "tall")]


def test_a_new_primary_key_needs_values(db: Connection) -> None:
    make_table(db, "users", USERS)
    db.execute("INSERT INTO users VALUES (1, NULL)")
    for columns in [{"number": "INTEGER", "id": "INTEGER"}, {"name": "INTEGER", "id": "INTEGER"}]:
        with pytest.raises(DataDoesNotFit, match="can't be the primary key, as 1 row would have no value in it"):
            make_table(db, "users", Layout(columns))


def test_a_failed_change_is_rolled_back(tmp_path: Path) -> None:
    file = tmp_path / "test.sqlite"
    with transaction(file) as db:
        make_table(db, "users", USERS)
        db.execute("INSERT INTO users VALUES (1, 'Ada')")
    with pytest.raises(DataDoesNotFit), transaction(file) as db:
        make_table(db, "users", Layout({"id": "INTEGER", "name": "INTEGER"}))
    with transaction(file) as db:
        assert read_layout(db, "users") == USERS


def test_names_are_quoted(db: Connection) -> None:
    make_table(db, "bystander", USERS)
    table, column = '"; DROP TABLE bystander; --', 'a"b'
    make_table(db, table, Layout({column: "INTEGER"}))
    assert read_layout(db, table) == Layout({column: "INTEGER"})
    drop_table(db, table)
    drop_table(db, table)
    assert read_layout(db, table) is None
    assert read_layout(db, "bystander") == USERS
