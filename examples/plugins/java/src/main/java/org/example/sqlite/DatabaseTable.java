package org.example.sqlite;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.Strictness;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import kplug.v1.Plugin;
import kplug.v1.ResourceOuterClass.Resource;

/** A `DatabaseTable` with a valid `serverName`. Its columns are not validated. */
record DatabaseTable(JsonObject metadata, JsonObject spec) {
  static final String EXTENSION_KIND = "DatabaseTableSqliteExtension";

  private static final Gson GSON = new GsonBuilder().setStrictness(Strictness.STRICT).create();

  /** Types of SQLite by those of `DatabaseTable`. */
  private static final Map<String, String> TYPES =
      new TreeMap<>(
          Map.of(
              "uint64", "INTEGER", "int64", "INTEGER", "int32", "INTEGER", "float64", "REAL", "string", "TEXT",
              "bytes", "BLOB", "bool", "INTEGER", "timestamp", "TEXT", "json", "TEXT", "uuid", "TEXT"));

  static DatabaseTable read(Resource resource) {
    JsonObject read = parse("", resource);
    DatabaseTable table = new DatabaseTable(object("", read, "metadata"), object("", read, "spec"));
    if (!text(table.spec, "serverName").matches("[A-Za-z0-9][A-Za-z0-9._-]{0,62}")) {
      throw table.invalid(
          ".spec.serverName: must be 1 to 63 letters, digits, '.', '_' and '-', and begin with a letter or digit");
    }
    return table;
  }

  /** Key of the extension for SQLite; of several, the first one by key. */
  static Optional<String> extensionKey(Map<String, Resource> extensions) {
    return extensions.keySet().stream()
        .filter(key -> text(parse(key, extensions.get(key)), "kind").equals(EXTENSION_KIND))
        .sorted()
        .findFirst();
  }

  /** Path of the file with the table. */
  Path file(Path directory) {
    return directory.resolve(text(spec, "serverName") + ".sqlite");
  }

  /** Name of the resource, with its namespace unless that is `default`. */
  String tableName() {
    String namespace = text(metadata, "namespace");
    String name = text(metadata, "name");
    return namespace.isEmpty() || namespace.equals("default") ? name : namespace + "/" + name;
  }

  /** Resources that show the table in web browsers. */
  Plugin.Dependents dependents(String image) {
    return Dependents.of(text(metadata, "name"), text(spec, "serverName"), image);
  }

  /** Wanted layout of the table, with the options of an extension. */
  Layout layout(Optional<String> extension, Map<String, Resource> extensions) {
    if (!(spec.get("columns") instanceof JsonArray list) || list.isEmpty()) {
      throw invalid(".spec.columns: must be a list with at least one column");
    }
    List<Layout.Column> columns = new ArrayList<>();
    List<String> unknown = new ArrayList<>();
    for (JsonElement element : list) {
      Layout.Column column = column(".spec.columns[" + columns.size() + "]", element);
      if (columns.stream().anyMatch(other -> other.name().equalsIgnoreCase(column.name()))) {
        throw invalid(".spec.columns[" + columns.size() + "].name: duplicate column " + column.name());
      }
      String type = TYPES.get(column.type());
      if (type == null) unknown.add("column \"" + column.name() + "\" has the type \"" + column.type() + "\"");
      columns.add(new Layout.Column(column.name(), type));
    }
    if (!unknown.isEmpty()) {
      String choice = ". Supported types: " + String.join(", ", TYPES.keySet()) + ".";
      throw Failure.terminal("UnsupportedColumnType", String.join(", ", unknown) + choice, null);
    }
    return extension
        .map(key -> withOptions(columns, key, object(key, parse(key, extensions.get(key)), "spec")))
        .orElseGet(() -> new Layout(columns, true, false));
  }

  private static Layout withOptions(List<Layout.Column> columns, String key, JsonObject options) {
    for (Map.Entry<String, JsonElement> option : options.entrySet()) {
      if (!Set.of("strict", "withoutRowId").contains(option.getKey())) {
        throw Failure.invalid(key, key + " is invalid: .spec." + option.getKey() + ": unknown field");
      }
      if (!isPrimitive(option.getValue()) || !option.getValue().getAsJsonPrimitive().isBoolean()) {
        throw Failure.invalid(key, key + " is invalid: .spec." + option.getKey() + ": must be true or false");
      }
    }
    boolean strict = !options.has("strict") || options.get("strict").getAsBoolean();
    boolean withoutRowId = options.has("withoutRowId") && options.get("withoutRowId").getAsBoolean();
    return new Layout(columns, strict, withoutRowId);
  }

  private Layout.Column column(String path, JsonElement element) {
    if (!(element instanceof JsonObject column)) throw invalid(path + ": must be an object with a name and a type");
    for (String field : column.keySet()) {
      if (!Set.of("name", "type").contains(field)) throw invalid(path + "." + field + ": unknown field");
    }
    int length = text(column, "name").getBytes(StandardCharsets.UTF_8).length;
    if (length < 1 || length > 63) throw invalid(path + ".name: must be 1 to 63 bytes long");
    return new Layout.Column(text(column, "name"), text(column, "type"));
  }

  private Failure invalid(String text) {
    return Failure.invalid("", "DatabaseTable " + text(metadata, "name") + " is invalid: " + text);
  }

  private static JsonObject parse(String key, Resource resource) {
    try {
      JsonObject parsed = GSON.fromJson(resource.getJson().toStringUtf8(), JsonObject.class);
      if (parsed != null) return parsed;
    } catch (JsonParseException e) {
      throw Failure.invalid(key, "the resource is not a JSON object: " + e.getMessage());
    }
    throw Failure.invalid(key, "the resource is empty");
  }

  private static JsonObject object(String key, JsonObject from, String field) {
    if (from.get(field) instanceof JsonObject found) return found;
    throw Failure.invalid(key, "the resource is invalid: ." + field + ": must be an object");
  }

  /** Value of a string field; empty if there is none. */
  private static String text(JsonObject from, String field) {
    JsonElement found = from.get(field);
    return isPrimitive(found) && found.getAsJsonPrimitive().isString() ? found.getAsString() : "";
  }

  private static boolean isPrimitive(JsonElement element) {
    return element != null && element.isJsonPrimitive();
  }
}
