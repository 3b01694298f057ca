package org.example.sqlite;

import com.google.gson.Gson;
import com.google.protobuf.ByteString;
import com.google.protobuf.util.Durations;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import kplug.v1.Plugin;
import kplug.v1.Plugin.DependentPolicy;
import kplug.v1.Plugin.DependentRules;

/** Resources that show a table in web browsers by Datasette. The operator applies them, and the table owns them. */
final class Dependents {
  /** Maximum length of the name of a Service. */
  private static final int MAX_NAME_LENGTH = 63;

  private static final int HASH_LENGTH = 8;
  private static final String READY_WHEN =
      "has(self.status) && has(self.status.availableReplicas) && self.status.availableReplicas > 0";
  private static final Gson GSON = new Gson();
  private static final SecureRandom RANDOM = new SecureRandom();

  private Dependents() {}

  /** Returns the dependents of a table, and the rules by which the operator applies them. */
  static Plugin.Dependents of(String table, String serverName, String image) {
    String name = nameFrom(table, "datasette");
    Map<String, String> labels = Map.of("app.kubernetes.io/instance", name);
    Map<String, ?> metadata = Map.of("name", name, "labels", labels);
    Map<String, ?> secret =
        Map.of("apiVersion", "v1", "kind", "Secret", "metadata", metadata, "stringData", Map.of("secret", random()));
    Map<String, ?> key = Map.of("secretKeyRef", Map.of("name", name, "key", "secret"));
    Map<String, ?> container =
        Map.of(
            "name", "datasette",
            "image", image,
            "args", List.of("datasette", "--host=0.0.0.0", "--port=8001", "/data/" + serverName + ".sqlite"),
            "env", List.of(Map.of("name", "DATASETTE_SECRET", "valueFrom", key)),
            "readinessProbe", Map.of("httpGet", Map.of("path", "/-/versions.json", "port", 8001)),
            "volumeMounts", List.of(Map.of("name", "data", "mountPath", "/data")));
    Map<String, ?> volume = Map.of("name", "data", "persistentVolumeClaim", Map.of("claimName", "sqlite"));
    Map<String, ?> pod = Map.of("containers", List.of(container), "volumes", List.of(volume));
    Map<String, ?> template = Map.of("metadata", Map.of("labels", labels), "spec", pod);
    Map<String, ?> set = Map.of("selector", Map.of("matchLabels", labels), "template", template);
    Map<String, ?> deployment =
        Map.of("apiVersion", "apps/v1", "kind", "Deployment", "metadata", metadata, "spec", set);
    Map<String, ?> ports = Map.of("selector", labels, "ports", List.of(Map.of("port", 80, "targetPort", 8001)));
    Map<String, ?> service = Map.of("apiVersion", "v1", "kind", "Service", "metadata", metadata, "spec", ports);

    return Plugin.Dependents.newBuilder()
        .addItems(encode(secret))
        .addItems(encode(deployment))
        .addItems(encode(service))
        // Generated once: the operator leaves an existing Secret as it is, although each call generates another one.
        .putRules(
            "Secret/" + name,
            DependentRules.newBuilder().setPolicy(DependentPolicy.DEPENDENT_POLICY_CREATE_ONLY).build())
        // Ready with one available replica. By default, all of them would have to be.
        .putRules(
            "Deployment.apps/" + name,
            DependentRules.newBuilder()
                .addDependsOn("Secret/" + name)
                .setReadyWhen(READY_WHEN)
                .setReadyTimeout(Durations.fromMinutes(5))
                .build())
        // Ready by the conventions of Kubernetes.
        .putRules("Service/" + name, DependentRules.newBuilder().addDependsOn("Deployment.apps/" + name).build())
        .build();
  }

  /** Returns a name for dependents of a resource. One that is too long ends with a hash, so that it stays unique. */
  static String nameFrom(String base, String suffix) {
    String name = base + "-" + suffix;
    if (name.length() <= MAX_NAME_LENGTH) return name;
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(name.getBytes(StandardCharsets.UTF_8));
      String start = name.substring(0, MAX_NAME_LENGTH - HASH_LENGTH - 1).replaceAll("[-.]+$", "");
      return start + "-" + HexFormat.of().formatHex(hash).substring(0, HASH_LENGTH);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String random() {
    byte[] bytes = new byte[32];
    RANDOM.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  private static ByteString encode(Map<String, ?> manifest) {
    return ByteString.copyFromUtf8(GSON.toJson(manifest));
  }
}
