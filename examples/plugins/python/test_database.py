from collections.abc import Iterator
from pathlib import Path
from sqlite3 import Connection, IntegrityError

import pytest

from database import Layout, count_rows, drop_table, make_table, read_layout, transaction

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


def test_a_failed_change_is_rolled_back(tmp_path: Path) -> None:
    file = tmp_path / "test.sqlite"
    with transaction(file) as db:
        make_table(db, "users", USERS)
        db.execute("INSERT INTO users VALUES (1, 'Ada')")
    with pytest.raises(IntegrityError), transaction(file) as db:
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
