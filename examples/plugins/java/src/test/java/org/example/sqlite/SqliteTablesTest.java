package org.example.sqlite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import kplug.v1.Plugin.Outcome;
import kplug.v1.Plugin.ReconcileRequest;
import kplug.v1.Plugin.ReconcileResponse;
import kplug.v1.ResourceOuterClass.Event;
import kplug.v1.ResourceOuterClass.Message;
import kplug.v1.ResourceOuterClass.Resource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SqliteTablesTest {
  private static final String KEY = "myorg.org/v1alpha1/DatabaseTableSqliteExtension/default/users";
  private static final String ID = "[{'name':'id','type':'uint64'}]";

  @TempDir private Path directory;
  private SqliteTables tables;

  @BeforeEach
  void open() {
    tables = new SqliteTables(directory, Duration.ofSeconds(30), Optional.empty());
  }

  @Test
  void createsATableOnceAndKeepsItsRows() throws SQLException {
    assertEquals("SQLite table users: created.", change(ID, null));
    assertEquals("", change(ID, null));
    assertEquals("7", sql("INSERT INTO users VALUES (7) RETURNING id"));
    String withName = "[{'name':'id','type':'uint64'},{'name':'na me','type':'string'}]";
    assertEquals("SQLite table users: added column na me (TEXT).", change(withName, null));
    assertEquals("SQLite table users: set withoutRowId to true.", change(withName, "{'withoutRowId':true}"));
    assertEquals(
        "SQLite table users: dropped column na me; changed column id INTEGER to id TEXT; "
            + "set strict to false; set withoutRowId to false.",
        change("[{'name':'id','type':'string'}]", "{'strict':false}"));
    assertEquals("7", sql("SELECT id FROM users"));
    String keyless = "[{'name':'key','type':'uuid'},{'name':'id','type':'string'}]";
    assertEquals("DataDoesNotFit", failure(table(keyless), null).toMessage().getReason());
    assertEquals("7", sql("SELECT id FROM users"));
  }

  @Test
  void changesTypesOnlyIfValuesAreKept() throws SQLException {
    String columns = "[{'name':'id','type':'uint64'},{'name':'%s','type':'%s'}]";
    String[][] cases = {
      {"1.0", "float64", "int32", "1"},
      {"1.7", "float64", "int32", null},
      {"9223372036854775808.0", "float64", "int64", null},
      {"9007199254740993", "int64", "float64", null},
      {"9223372036854775807", "int64", "float64", null},
      {"7", "int64", "string", "7"},
      {"'7'", "string", "int64", "7"},
      {"'007'", "string", "int64", null},
      {"x'ff'", "bytes", "string", null},
    };
    for (String options : List.of("{'strict':true}", "{'strict':false}")) {
      for (String[] test : cases) {
        change(columns.formatted("Value", test[1]), options);
        String before = sql("INSERT INTO users VALUES (1, " + test[0] + ") RETURNING quote(value)");
        String wanted = columns.formatted("value", test[2]);
        if (test[3] == null) {
          String text = failure(table(wanted), options).toMessage().getText();
          assertTrue(text.startsWith("Table users: column \"value\" can't change from "), text);
          assertEquals(before, sql("SELECT quote(value) FROM users"));
        } else {
          change(wanted, options);
          assertEquals(test[3], sql("SELECT CAST(value AS TEXT) FROM users"));
        }
        tables.drop(table(ID));
      }
    }
  }

  @Test
  void keepsTheValuesOfANameWithOtherCapitals() throws SQLException {
    change("[{'name':'id','type':'uint64'},{'name':'größe','type':'string'}]", null);
    sql("INSERT INTO users VALUES (1, 'tall') RETURNING id");
    change("[{'name':'ID','type':'uint64'},{'name':'GRÖßE','type':'string'}]", null);
    assertEquals("tall", sql("SELECT \"GRÖßE\" FROM users"));
  }

  @Test
  void inventsNoPrimaryKey() throws SQLException {
    change("[{'name':'id','type':'uint64'},{'name':'number','type':'int64'}]", null);
    sql("INSERT INTO users VALUES (1, NULL) RETURNING id");
    for (String key : List.of("number", "new")) {
      String wanted = "[{'name':'" + key + "','type':'int64'},{'name':'id','type':'uint64'}]";
      String text = failure(table(wanted), null).toMessage().getText();
      assertTrue(text.contains("can't be the primary key, as 1 row(s) would have no value in it"), text);
    }
  }

  @Test
  void explainsFailures() {
    expectInvalid(resource("{"), null, "JSON");
    expectInvalid(resource("{'metadata':{},'spec':{'serverName':'../x'}}"), null, ".spec.serverName");
    expectInvalid(table("[]"), null, "at least one column");
    expectInvalid(table("[{'name':'id','type':'uuid','size':3}]"), null, ".spec.columns[0].size");
    expectInvalid(table("[{'name':'id','type':'uuid'},{'name':'ID','type':'uuid'}]"), null, "duplicate column ID");
    expectInvalid(table(ID), "{'strict':7}", ".spec.strict");
    Message unknown = failure(table("[{'name':'id','type':'money'}]"), null).toMessage();
    assertEquals("UnsupportedColumnType", unknown.getReason());
    assertTrue(unknown.getText().startsWith("column \"id\" has the type \"money\". Supported types: bool,"));
    tables = new SqliteTables(directory.resolve("missing"), Duration.ofSeconds(30), Optional.empty());
    Failure unavailable = failure(table(ID), null);
    assertEquals(Outcome.OUTCOME_RETRY, unavailable.outcome());
    assertEquals("DatabaseUnavailable", unavailable.toMessage().getReason());
  }

  @Test
  void dropIsIdempotent() throws SQLException {
    tables.drop(table(ID));
    change(ID, null);
    tables.drop(table("'nonsense'"));
    assertEquals("0", sql("SELECT count(*) FROM sqlite_schema WHERE type = 'table'"));
    tables.drop(table(ID));
  }

  private static Resource resource(String json) {
    return Resource.newBuilder().setJson(ByteString.copyFromUtf8(json.replace('\'', '"'))).build();
  }

  private static Resource table(String columns) {
    return resource("{'metadata':{'name':'users'},'spec':{'serverName':'main','columns':" + columns + "}}");
  }

  private ReconcileResponse reconcile(Resource base, String options) throws SQLException {
    ReconcileRequest.Builder request = ReconcileRequest.newBuilder().setBase(base);
    if (options != null) {
      request.putExtensions(KEY, resource("{'kind':'DatabaseTableSqliteExtension','spec':" + options + "}"));
    }
    return tables.reconcile(request.build());
  }

  /** Reconciles and returns the text of the Event; empty if there is none. */
  private String change(String columns, String options) throws SQLException {
    return reconcile(table(columns), options).getEventsList().stream().findFirst().map(Event::getMessage).orElse("");
  }

  private Failure failure(Resource base, String options) {
    return assertThrows(Failure.class, () -> reconcile(base, options));
  }

  private void expectInvalid(Resource base, String options, String text) {
    Message message = failure(base, options).toMessage();
    assertEquals("InvalidSpec", message.getReason());
    assertTrue(message.getText().contains(text), message.getText());
    assertEquals(options == null ? "" : KEY, message.getTarget());
  }

  /** Runs a statement directly on the file and returns its first value. */
  private String sql(String statement) throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + directory.resolve("main.sqlite"));
        ResultSet result = connection.createStatement().executeQuery(statement)) {
      return result.getString(1);
    }
  }
}
