package org.example.sqlite;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SecurityTest {
  @TempDir private Path directory;

  private Security read(String controller, Map<String, String> environment) {
    return Security.read(environment, directory.resolve("missing"), controller);
  }

  @Test
  void isPlainTextOnTheLoopbackInterfaceAndTlsElsewhere() throws Exception {
    for (String controller : List.of("localhost:50050", "LOCALHOST:1", "127.1.2.3:1", "[::1]:1")) {
      Security security = read(controller, Map.of());
      assertFalse(security.usesTls(), controller);
      security.checkBindAddress("127.0.0.1:0");
      assertThrows(IllegalArgumentException.class, () -> security.checkBindAddress("0.0.0.0:0"));
      assertThrows(IllegalArgumentException.class, () -> security.checkBindAddress(":0"));
    }
    Files.writeString(directory.resolve("token"), "x");
    Security mounted = Security.read(Map.of(), directory, "kplug:50050");
    assertEquals(directory.resolve("ca.crt"), mounted.ca());
    assertEquals(directory.resolve("token"), mounted.tokenFile());
    mounted.checkBindAddress(":0");
    assertNull(Security.read(Map.of("KPLUG_TOKEN", "t"), directory, "kplug:50050").tokenFile());
    Security insecure = Security.read(Map.of("KPLUG_INSECURE", "true"), directory, "kplug:50050");
    assertFalse(insecure.usesTls());
    insecure.checkBindAddress(":0");
  }

  @Test
  void explainsWhatIsMissing() {
    expectProblem(Map.of(), "set KPLUG_TLS_CA to the file of the operator's CA bundle");
    expectProblem(Map.of("KPLUG_INSECURE", "false"), "or set KPLUG_INSECURE=true for plain text");
    expectProblem(Map.of("KPLUG_INSECURE", "yes"), "KPLUG_INSECURE is \"yes\"; it must be true or false");
    expectProblem(Map.of("KPLUG_TLS_CERT", "a"), "set both KPLUG_TLS_CERT and KPLUG_TLS_KEY, or neither");
    expectProblem(Map.of("KPLUG_TLS_CERT", "a", "KPLUG_TLS_KEY", "b"), "set KPLUG_TLS_CA");
    expectProblem(Map.of("KPLUG_TLS_SERVER_NAME", "a"), "TLS needs the CA bundle");
    expectProblem(
        Map.of("KPLUG_TOKEN", "a", "KPLUG_TOKEN_FILE", "b", "KPLUG_INSECURE", "true"),
        "set KPLUG_TOKEN or KPLUG_TOKEN_FILE, not both");
    expectProblem(Map.of("KPLUG_TOKEN", "ä", "KPLUG_INSECURE", "true"), "visible ASCII characters only");
  }

  @Test
  void readsFilesAgainAndKeepsValidOnes() throws Exception {
    TestCa ca = new TestCa("kplug");
    Identity first = ca.issue(KeyPurposeId.id_kp_serverAuth, null, 3600);
    Identity second = ca.issue(KeyPurposeId.id_kp_serverAuth, null, 3600);
    Path certificate = directory.resolve("tls.crt");
    Path key = directory.resolve("tls.key");
    Path token = directory.resolve("token");
    CredentialSource source =
        new CredentialSource(
            Security.read(
                Map.of("KPLUG_TLS_CERT", certificate.toString(), "KPLUG_TLS_KEY", key.toString()),
                Files.writeString(token, "one\n").getParent(),
                "kplug:50050"),
            "instance");
    assertEquals(Optional.empty(), source.current());
    Files.writeString(directory.resolve("ca.crt"), ca.pem());
    Files.writeString(certificate, TestCa.pemOf(first.chain().get(0)));
    Files.writeString(key, TestCa.pemOf(first.key()));
    CredentialSource.Proof proof = source.current().orElseThrow();
    assertEquals("one", proof.token());
    assertArrayEquals(first.encoded(), proof.material().certificate());
    assertEquals(proof, source.current().orElseThrow());

    Files.writeString(token, "\n");
    Files.writeString(certificate, TestCa.pemOf(second.chain().get(0)));
    assertEquals(proof, source.current().orElseThrow());
    Files.writeString(token, " two ");
    assertEquals("two", source.current().orElseThrow().token());
    Files.writeString(key, TestCa.pemOf(second.key()));
    CredentialSource.Proof next = source.current().orElseThrow();
    assertArrayEquals(second.encoded(), next.material().certificate());
    assertNotEquals(proof, next);
    Files.delete(directory.resolve("ca.crt"));
    assertEquals(next, source.current().orElseThrow());
  }

  @Test
  void runsCallsForOneResourceOneAfterAnother() throws Exception {
    ResourceLocks locks = new ResourceLocks();
    assertTrue(locks.lock("a"));
    assertTrue(locks.lock("b"));
    Thread next = new Thread(() -> lockAndUnlock(locks));
    next.start();
    while (next.getState() != Thread.State.TIMED_WAITING) Thread.onSpinWait();
    locks.unlock("a");
    next.join();
    assertTrue(locks.lock("a"));
  }

  private static void lockAndUnlock(ResourceLocks locks) {
    try {
      if (locks.lock("a")) locks.unlock("a");
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private void expectProblem(Map<String, String> environment, String text) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> read("kplug.example:50050", environment)).getMessage();
    assertTrue(message.contains(text), message);
  }
}
