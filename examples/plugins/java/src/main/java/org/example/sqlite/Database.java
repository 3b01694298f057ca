package org.example.sqlite;

import io.grpc.Context;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sqlite.SQLiteConfig;

/** Transaction on an SQLite file. */
final class Database {
  // Temporary name of a table. It can't be the name of a resource, as those have no underscore.
  private static final String NEW_TABLE = "kplug_new";

  private static final int BUSY_TIMEOUT = 5_000;

  private final Connection connection;

  private Database(Connection connection) {
    this.connection = connection;
  }

  /** Work to do in a transaction. */
  interface Work<T> {
    T in(Database database) throws SQLException;
  }

  /** Opens a file and does some work in a transaction. */
  static <T> T inTransaction(Path file, Work<T> work) throws SQLException {
    SQLiteConfig config = new SQLiteConfig();
    config.setBusyTimeout(BUSY_TIMEOUT);
    // With an immediate lock, concurrent instances of the plugin wait for each other.
    config.setTransactionMode(SQLiteConfig.TransactionMode.IMMEDIATE);
    // Closing without a commit rolls back.
    try (Connection connection = config.createConnection("jdbc:sqlite:" + file)) {
      connection.setAutoCommit(false);
      T result = work.in(new Database(connection));
      // The caller no longer waits, and may have called another instance.
      if (Context.current().isCancelled()) throw Failure.retry("Cancelled", "the call was cancelled", null);
      connection.commit();
      return result;
    } catch (SQLException e) {
      throw explain(file, e);
    }
  }

  /** Converts an error of SQLite into a failure, by its primary result code: https://sqlite.org/rescode.html. */
  private static Failure explain(Path file, SQLException e) {
    String text = "SQLite file " + file + ": " + e.getMessage() + ".";
    return switch (e.getErrorCode() & 0xff) {
      case 5, 6, 8, 10, 13, 14 -> Failure.retry("DatabaseUnavailable", text, e);
      case 19, 20 ->
          Failure.terminal(
              "DataDoesNotFit",
              text + " Nothing was changed. Correct the data or the columns, then edit this resource.",
              e);
      default -> Failure.terminal("StatementRefused", text + " Nothing was changed.", e);
    };
  }

  /** Creates or alters a table and returns the changes, which are none if it is up to date. */
  List<String> makeTable(String table, Layout wanted) throws SQLException {
    Layout actual = readLayout(table);
    if (actual == null) {
      create(table, wanted);
      return List.of("created");
    }
    List<String> changes = wanted.differences(actual);
    if (!changes.isEmpty()) checkRows(table, wanted, actual);
    List<Layout.Column> added =
        wanted.columns().stream().filter(column -> actual.find(column.name()).isEmpty()).toList();
    if (added.size() < changes.size()) {
      rebuild(table, wanted, actual);
    } else {
      for (Layout.Column column : added) {
        execute("ALTER TABLE main." + quote(table) + " ADD COLUMN " + quote(column.name()) + " " + column.type());
      }
    }
    return changes;
  }

  /** Counts the rows of a table. */
  long countRows(String table) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery("SELECT count(*) FROM main." + quote(table))) {
      return result.getLong(1);
    }
  }

  /** Drops a table if it exists. */
  void dropTable(String table) throws SQLException {
    execute("DROP TABLE IF EXISTS main." + quote(table));
  }

  /** Reads the actual layout of a table; `null` if it does not exist. */
  private Layout readLayout(String table) throws SQLException {
    String tables = "SELECT strict, wr FROM pragma_table_list(?) WHERE schema = 'main' AND type = 'table'";
    // The primary key is the first column of a layout.
    String columns = "SELECT name, type FROM pragma_table_info(?) ORDER BY pk = 0, cid";
    try (PreparedStatement find = connection.prepareStatement(tables);
        PreparedStatement list = connection.prepareStatement(columns)) {
      find.setString(1, table);
      list.setString(1, table);
      try (ResultSet found = find.executeQuery();
          ResultSet listed = list.executeQuery()) {
        if (!found.next()) return null;
        List<Layout.Column> read = new ArrayList<>();
        while (listed.next()) read.add(new Layout.Column(listed.getString(1), listed.getString(2)));
        return new Layout(read, found.getBoolean(1), found.getBoolean(2));
      }
    }
  }

  private void create(String table, Layout wanted) throws SQLException {
    String key = wanted.columns().get(0).name();
    List<String> parts = new ArrayList<>();
    for (Layout.Column column : wanted.columns()) {
      parts.add(quote(column.name()) + " " + column.type() + (column.name().equals(key) ? " NOT NULL" : ""));
    }
    parts.add("PRIMARY KEY (" + quote(key) + ")");
    List<String> options = new ArrayList<>();
    if (wanted.strict()) options.add("STRICT");
    if (wanted.withoutRowId()) options.add("WITHOUT ROWID");
    execute(
        "CREATE TABLE main." + quote(table) + " (" + String.join(", ", parts) + ") " + String.join(", ", options));
  }

  /** Replaces a table by a new one with its rows, for changes that ALTER TABLE doesn't support. */
  private void rebuild(String table, Layout wanted, Layout actual) throws SQLException {
    create(NEW_TABLE, wanted);
    // Names with other capitals are the same for this plugin, but SQLite compares only the letters of ASCII so.
    List<String> names = new ArrayList<>();
    List<String> formers = new ArrayList<>();
    for (Layout.Column column : wanted.columns()) {
      actual
          .find(column.name())
          .ifPresent(
              former -> {
                names.add(quote(column.name()));
                formers.add(quote(former.name()));
              });
    }
    if (!names.isEmpty()) {
      String selected = String.join(", ", formers) + " FROM main." + quote(table);
      execute("INSERT INTO main." + NEW_TABLE + " (" + String.join(", ", names) + ") SELECT " + selected);
    }
    dropTable(table);
    execute("ALTER TABLE main." + NEW_TABLE + " RENAME TO " + quote(table));
  }

  /**
   * Refuses changes that some rows would not survive: SQLite would round values, and number rows whose integer key is NULL.
   */
  private void checkRows(String table, Layout wanted, Layout actual) throws SQLException {
    Layout.Column key = wanted.columns().get(0);
    for (Layout.Column column : wanted.columns()) {
      Optional<Layout.Column> former = actual.find(column.name());
      String name = "Table " + table + ": column \"" + column.name() + "\" can't ";
      if (column.equals(key)) {
        String missing = former.map(found -> quote(found.name()) + " IS NULL").orElse("true");
        refuse(table, missing, name + "be the primary key", "have no value in it");
      }
      if (former.isPresent() && !former.get().type().equals(column.type())) {
        String change = name + "change from " + former.get().type() + " to " + column.type();
        refuse(table, "NOT (" + keeps(quote(former.get().name()), column.type()) + ")", change, "lose the value");
      }
    }
  }

  private void refuse(String table, String condition, String change, String effect) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result =
            statement.executeQuery("SELECT count(*) FROM main." + quote(table) + " WHERE " + condition)) {
      long rows = result.getLong(1);
      if (rows == 0) return;
      throw Failure.terminal(
          "DataDoesNotFit",
          change
              + (", as " + rows + " row(s) would " + effect)
              + ". Nothing was changed. Correct the data or the columns, then edit this resource.",
          null);
    }
  }

  /** Condition that a value is equal after its conversion to another type and back. */
  private static String keeps(String value, String type) {
    // Beyond 2^53, not all integers are floats, and SQLite converts to the closest one.
    String exact = value + " BETWEEN -9007199254740992 AND 9007199254740992";
    String converted = "CAST(" + value + " AS " + type + ")";
    return "CASE typeof(" + value + ") WHEN 'null' THEN true WHEN lower('" + type + "') THEN true "
        + ("WHEN 'integer' THEN CAST(" + converted + " AS INTEGER) = " + value)
        + (" AND ('" + type + "' <> 'REAL' OR " + exact + ") ")
        + ("WHEN 'real' THEN CAST(" + converted + " AS REAL) = " + value)
        + (" AND ('" + type + "' <> 'INTEGER' OR " + exact + ") ")
        + ("WHEN 'text' THEN CAST(" + converted + " AS TEXT) = " + value + " COLLATE BINARY ELSE false END");
  }

  private void execute(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.executeUpdate(sql);
    }
  }

  /** Quotes a name for a statement. */
  private static String quote(String name) {
    return '"' + name.replace("\"", "\"\"") + '"';
  }
}
