package org.example.sqlite;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import kplug.v1.Registry.ExtensionKind;
import kplug.v1.Registry.PluginApi;
import kplug.v1.Registry.PodReference;
import kplug.v1.Registry.Registration;

/** Plugin that keeps a table in an SQLite file for each `DatabaseTable`. Its `serverName` is the name of the file. */
final class Main {
  private Main() {}

  public static void main(String[] arguments) throws Exception {
    // One line per log record.
    System.setProperty("java.util.logging.SimpleFormatter.format", "%1$tFT%1$tT %4$s %5$s%6$s%n");
    try {
      serve();
    } catch (IllegalArgumentException e) {
      System.getLogger("plugin").log(System.Logger.Level.ERROR, "the plugin failed: {0}", e.getMessage());
      System.exit(1);
    }
  }

  private static void serve() throws Exception {
    Map<String, String> environment = new HashMap<>(System.getenv());
    environment.values().removeIf(String::isEmpty);
    String controller = environment.getOrDefault("KPLUG_CONTROLLER", "localhost:50050");
    Security security = Security.read(environment, Security.FOLDER, controller);
    String bindAddress = bindAddressFor(controller, environment.getOrDefault("KPLUG_BIND_ADDRESS", ":0"));
    security.checkBindAddress(bindAddress);
    Registration.Builder registration =
        Registration.newBuilder()
            .setPlugin(environment.getOrDefault("PLUGIN_NAME", "SQLite"))
            .setVersion(environment.getOrDefault("PLUGIN_VERSION", "1.0.0"))
            .setInstanceId(environment.getOrDefault("KPLUG_INSTANCE_ID", UUID.randomUUID().toString()))
            .setAddress(environment.getOrDefault("KPLUG_ADDRESS", addressToRegister(bindAddress)))
            .addApis(
                PluginApi.newBuilder()
                    .setName("DatabaseTable")
                    .setVersion("1.0.0")
                    .addExtensionKinds(ExtensionKind.newBuilder().setKind(DatabaseTable.EXTENSION_KIND)));
    if (environment.containsKey("KPLUG_POD_NAMESPACE") && environment.containsKey("KPLUG_POD_NAME")) {
      registration.setPod(
          PodReference.newBuilder()
              .setNamespace(environment.get("KPLUG_POD_NAMESPACE"))
              .setName(environment.get("KPLUG_POD_NAME")));
    }
    Path directory = Path.of(environment.getOrDefault("SQLITE_DIRECTORY", "."));
    Duration checkInterval = milliseconds(environment, "DATABASE_TABLE_CHECK_INTERVAL", "30000");
    Duration drainTimeout = milliseconds(environment, "KPLUG_DRAIN_TIMEOUT", "25000");

    PluginServer server =
        new PluginServer(
            registration,
            controller,
            security,
            parse(bindAddress),
            new SqliteTables(directory, checkInterval, Optional.ofNullable(environment.get("DATASETTE_IMAGE"))));
    server.start();
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  server.stop(drainTimeout);
                  // Otherwise a JVM that a signal stopped exits with 143.
                  Runtime.getRuntime().halt(0);
                }));
    server.awaitDrain();
    System.exit(0);
  }

  private static Duration milliseconds(Map<String, String> environment, String variable, String otherwise) {
    return Duration.ofMillis(Long.parseLong(environment.getOrDefault(variable, otherwise)));
  }

  /** Completes an address without a host: the loopback interface if the controller is on it, else all interfaces. */
  private static String bindAddressFor(String controller, String given) {
    if (!given.startsWith(":") || !Security.isLoopback(controller)) return given;
    return (controller.startsWith("[") ? "[::1]" : "127.0.0.1") + given;
  }

  /**
   * Default address to register. A port of 0 stands for the port that the plugin listens on. Without a host, it is the host that the
   * heartbeats come from. Heartbeats to localhost may come from the other address family, on which this plugin does not listen.
   */
  private static String addressToRegister(String bindAddress) {
    return Security.isLoopback(bindAddress) ? bindAddress : bindAddress.substring(bindAddress.lastIndexOf(':'));
  }

  private static InetSocketAddress parse(String address) {
    int colon = address.lastIndexOf(':');
    int port = Integer.parseInt(address.substring(colon + 1));
    String host = address.substring(0, colon).replaceAll("[\\[\\]]", "");
    return host.isEmpty() ? new InetSocketAddress(port) : new InetSocketAddress(host, port);
  }
}
