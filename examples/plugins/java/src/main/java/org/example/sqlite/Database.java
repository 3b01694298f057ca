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
import java.util.stream.Collectors;
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
    String kept =
        wanted.columns().stream()
            .map(Layout.Column::name)
            .filter(name -> actual.find(name).isPresent())
            .map(Database::quote)
            .collect(Collectors.joining(", "));
    if (!kept.isEmpty()) {
      execute("INSERT INTO main." + NEW_TABLE + " (" + kept + ") SELECT " + kept + " FROM main." + quote(table));
    }
    dropTable(table);
    execute("ALTER TABLE main." + NEW_TABLE + " RENAME TO " + quote(table));
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
