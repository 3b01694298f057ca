package org.example.sqlite;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Schema of a table, with the types of SQLite. The first column is the primary key. */
record Layout(List<Column> columns, boolean strict, boolean withoutRowId) {
  /** Column of a table. */
  record Column(String name, String type) {}

  /** Finds a column by name. Names are case-insensitive in SQLite. */
  Optional<Column> find(String name) {
    return columns.stream().filter(column -> column.name().equalsIgnoreCase(name)).findFirst();
  }

  /** Lists the changes from the actual layout to this one. */
  List<String> differences(Layout actual) {
    List<String> changes = new ArrayList<>();
    for (Column column : actual.columns) {
      if (find(column.name()).isEmpty()) changes.add("dropped column " + column.name());
    }
    for (Column column : columns) {
      Optional<Column> former = actual.find(column.name());
      if (former.isEmpty()) {
        changes.add("added column %s (%s)".formatted(column.name(), column.type()));
      } else if (!former.get().equals(column)) {
        changes.add(
            "changed column %s %s to %s %s"
                .formatted(former.get().name(), former.get().type(), column.name(), column.type()));
      }
    }
    String key = columns.get(0).name();
    String formerKey = actual.columns.get(0).name();
    if (!key.equalsIgnoreCase(formerKey)) changes.add("changed the primary key from " + formerKey + " to " + key);
    if (strict != actual.strict) changes.add("set strict to " + strict);
    if (withoutRowId != actual.withoutRowId) changes.add("set withoutRowId to " + withoutRowId);
    return changes;
  }
}
