package org.example.sqlite;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * Settings for the protection of heartbeats and calls. What is not set is null. The files are read again when they change.
 *
 * @param token proves the plugin's identity, unless it is in a file
 * @param ca CA bundle of the operator; null for plain text
 * @param certificate certificate of the plugin; null for one that is made in memory
 * @param serverName name expected in the operator's certificate; null for the host of the controller
 * @param insecure true if plain text is demanded on any interface
 */
record Security(String token, Path tokenFile, Path ca, Path certificate, Path key, String serverName, boolean insecure) {
  /** Folder where the token and the CA bundle are mounted in the pod of a plugin. */
  static final Path FOLDER = Path.of("/var/run/secrets/kplug");

  /**
   * Reads the settings: plain text if the controller is on the loopback interface or `KPLUG_INSECURE` is set, otherwise TLS. Throws
   * `IllegalArgumentException` if TLS is needed and not configured.
   *
   * @param environment variables that are set and not empty
   */
  static Security read(Map<String, String> environment, Path folder, String controller) {
    String token = environment.get("KPLUG_TOKEN");
    Path certificate = path(environment, "KPLUG_TLS_CERT");
    Path key = path(environment, "KPLUG_TLS_KEY");
    String serverName = environment.get("KPLUG_TLS_SERVER_NAME");
    if ((certificate == null) != (key == null)) {
      throw new IllegalArgumentException("set both KPLUG_TLS_CERT and KPLUG_TLS_KEY, or neither");
    }
    boolean insecure = isInsecure(environment);
    Path ca = insecure ? null : caIn(environment, folder);
    if (ca == null && !insecure) {
      if (certificate != null || serverName != null) {
        throw new IllegalArgumentException("TLS needs the CA bundle of the operator as well; set KPLUG_TLS_CA");
      }
      if (!isLoopback(controller)) throw new IllegalArgumentException(needsTls(controller));
    }
    return new Security(token, tokenFileIn(environment, folder), ca, certificate, key, serverName, insecure);
  }

  /** Reports whether heartbeats and calls use TLS. */
  boolean usesTls() {
    return ca != null;
  }

  /** Reports whether the operator started the plugin, and stops it when it stops itself. */
  boolean isHosted() {
    return token != null && !usesTls();
  }

  /** Throws `IllegalArgumentException` if plugins on other machines would be called in plain text at an address. */
  void checkBindAddress(String address) {
    if (usesTls() || insecure || isLoopback(address)) return;
    throw new IllegalArgumentException(
        "the plugin would accept calls on %s from other machines without TLS; set KPLUG_TLS_CA, or KPLUG_INSECURE=true, or a loopback address as KPLUG_BIND_ADDRESS"
            .formatted(address));
  }

  /** Reports whether an address with a port is one of the loopback interface. */
  static boolean isLoopback(String address) {
    return address.matches("(?i)(localhost|127\\.[0-9.]+|\\[::1\\]):[0-9]+");
  }

  private static Path path(Map<String, String> environment, String variable) {
    String value = environment.get(variable);
    return value == null ? null : Path.of(value);
  }

  private static boolean isInsecure(Map<String, String> environment) {
    String value = environment.getOrDefault("KPLUG_INSECURE", "false");
    if (value.equals("true") || value.equals("false")) return value.equals("true");
    throw new IllegalArgumentException("KPLUG_INSECURE is \"" + value + "\"; it must be true or false");
  }

  private static Path caIn(Map<String, String> environment, Path folder) {
    Path ca = path(environment, "KPLUG_TLS_CA");
    return ca == null && Files.exists(folder) ? folder.resolve("ca.crt") : ca;
  }

  private static Path tokenFileIn(Map<String, String> environment, Path folder) {
    String token = environment.get("KPLUG_TOKEN");
    Path file = path(environment, "KPLUG_TOKEN_FILE");
    if (token != null && file != null) {
      throw new IllegalArgumentException("set KPLUG_TOKEN or KPLUG_TOKEN_FILE, not both");
    }
    if (token != null && !CredentialSource.isToken(token)) {
      throw new IllegalArgumentException("KPLUG_TOKEN must have visible ASCII characters only");
    }
    Path mounted = folder.resolve("token");
    return token == null && file == null && Files.exists(mounted) ? mounted : file;
  }

  private static String needsTls(String controller) {
    return ("the operator %s is remote, and calls need TLS: set KPLUG_TLS_CA to the file of the operator's CA bundle, mounted as %s/ca.crt by"
            + " default; or set KPLUG_INSECURE=true for plain text, which protects neither heartbeats nor calls")
        .formatted(controller, FOLDER);
  }
}
