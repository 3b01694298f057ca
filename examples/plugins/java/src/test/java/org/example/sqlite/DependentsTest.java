package org.example.sqlite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.List;
import kplug.v1.Plugin;
import kplug.v1.Plugin.DependentPolicy;
import org.junit.jupiter.api.Test;

class DependentsTest {
  @Test
  void areRequestedWithRules() {
    Plugin.Dependents dependents = Dependents.of("users", "main", "datasette:1");
    List<JsonObject> items =
        dependents.getItemsList().stream()
            .map(item -> JsonParser.parseString(item.toStringUtf8()).getAsJsonObject())
            .toList();
    assertEquals(
        List.of("Secret", "Deployment", "Service"), items.stream().map(one -> one.get("kind").getAsString()).toList());
    assertEquals(
        DependentPolicy.DEPENDENT_POLICY_CREATE_ONLY,
        dependents.getRulesOrThrow("Secret/users-datasette").getPolicy());
    assertEquals(
        List.of("Deployment.apps/users-datasette"),
        dependents.getRulesOrThrow("Service/users-datasette").getDependsOnList());
  }

  @Test
  void longNamesStayUnique() {
    assertEquals("users-datasette", Dependents.nameFrom("users", "datasette"));
    String one = Dependents.nameFrom("a".repeat(80), "datasette");
    // The SDKs give the same name.
    assertEquals(63, one.length());
    assertNotEquals(one, Dependents.nameFrom("a".repeat(81), "datasette"));
  }
}
