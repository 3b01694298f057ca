package org.example.sqlite;

import static java.lang.System.Logger.Level.INFO;

import com.google.gson.Gson;
import com.google.protobuf.ByteString;
import com.google.protobuf.util.Durations;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import kplug.v1.Plugin.Outcome;
import kplug.v1.Plugin.ReconcileRequest;
import kplug.v1.Plugin.ReconcileResponse;
import kplug.v1.ResourceOuterClass.Event;
import kplug.v1.ResourceOuterClass.Resource;

/** Reconciles and drops tables in the SQLite files of a directory. */
final class SqliteTables {
  private final System.Logger log = System.getLogger("tables");
  private final Gson gson = new Gson();
  private final Path directory;
  private final Duration checkInterval;
  private final Optional<String> datasetteImage;

  /** `checkInterval` is the interval between checks for drift. `datasetteImage` is empty for no dependents. */
  SqliteTables(Path directory, Duration checkInterval, Optional<String> datasetteImage) {
    this.directory = directory;
    this.checkInterval = checkInterval;
    this.datasetteImage = datasetteImage;
  }

  private record Result(List<String> changes, long rows) {}

  /** Creates or alters the table, in one transaction. */
  ReconcileResponse reconcile(ReconcileRequest request) throws SQLException {
    DatabaseTable resource = DatabaseTable.read(request.getBase());
    Optional<String> extension = DatabaseTable.extensionKey(request.getExtensionsMap());
    Layout wanted = resource.layout(extension, request.getExtensionsMap());
    Path file = resource.file(directory);
    String table = resource.tableName();
    Result result =
        Database.inTransaction(file, db -> new Result(db.makeTable(table, wanted), db.countRows(table)));

    Object status = Map.of("table", Map.of("database", "SQLite", "name", table, "columns", wanted.columns()));
    ReconcileResponse.Builder response =
        ReconcileResponse.newBuilder()
            .setOutcome(Outcome.OUTCOME_SUCCESS)
            .setBaseStatus(encode(status))
            .setRequeueAfter(Durations.fromMillis(checkInterval.toMillis()));
    datasetteImage.ifPresent(image -> response.setDependents(resource.dependents(image)));
    extension.ifPresent(
        key ->
            response.putExtensionStatuses(key, encode(Map.of("rows", result.rows(), "file", file.toString()))));
    if (!result.changes().isEmpty()) {
      String text = "SQLite table " + table + ": " + String.join("; ", result.changes()) + ".";
      log.log(INFO, text);
      response.addEvents(Event.newBuilder().setReason("TableChanged").setMessage(text));
    }
    return response.build();
  }

  /** Drops the table. Its file is kept, as it may have other tables. */
  void drop(Resource base) throws SQLException {
    // The columns are not validated: the table must be dropped even if they were edited to invalid ones.
    DatabaseTable resource = DatabaseTable.read(base);
    Path file = resource.file(directory);
    if (Files.notExists(file)) return;
    Database.inTransaction(
        file,
        db -> {
          db.dropTable(resource.tableName());
          return null;
        });
  }

  private ByteString encode(Object status) {
    return ByteString.copyFromUtf8(gson.toJson(status));
  }
}
