package org.example.sqlite;

import static java.lang.System.Logger.Level.WARNING;

import io.grpc.Metadata;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/** Reads the token, CA bundle and certificate files of a plugin. While changed files are malformed, the last valid ones stay in use. */
final class CredentialSource {
  private static final int MAX_FILE_SIZE = 1 << 20;
  private static final int MAX_TOKEN_SIZE = 8 << 10;

  /** Number of random bytes of the secret of an instance. */
  private static final int SECRET_SIZE = 32;

  private final System.Logger log = System.getLogger("credentials");
  private final Security security;
  // Proves that later messages come from the process that registered the instance.
  private final String secret;
  // Null if key and certificate are in files, and for plain text.
  private final Identity own;
  private String token;
  private Material material;
  // Contents that were parsed last, and the problem with them.
  private List<byte[]> parsed = List.of();
  private String parseProblem;
  private String loggedTokenProblem;
  private String loggedMaterialProblem;

  /**
   * What the plugin proves its identity with. Two proofs are equal as long as nothing has changed.
   *
   * @param token null if there is none
   * @param material null for plain text
   */
  record Proof(String token, Material material) {}

  CredentialSource(Security security, String instanceId) {
    this.security = security;
    byte[] random = new byte[SECRET_SIZE];
    new SecureRandom().nextBytes(random);
    secret = Base64.getUrlEncoder().withoutPadding().encodeToString(random);
    own = security.usesTls() && security.certificate() == null ? OwnCertificate.create(instanceId) : null;
    token = security.token();
  }

  /** Reports whether a text can be sent as a token. */
  static boolean isToken(String text) {
    return text.matches("[\\x21-\\x7e]+");
  }

  Security security() {
    return security;
  }

  /** Reads the files. Returns an empty result until all of them exist and are valid. */
  synchronized Optional<Proof> current() {
    Proof proof = new Proof(currentToken(), currentMaterial());
    boolean isComplete =
        (proof.token != null || security.tokenFile() == null) && (proof.material != null || !security.usesTls());
    return isComplete ? Optional.of(proof) : Optional.empty();
  }

  /** Returns the same object as long as nothing has changed; null until there is one, and for plain text. */
  synchronized Material currentMaterial() {
    if (!security.usesTls()) return null;
    String problem = null;
    try {
      List<byte[]> contents = readContents();
      if (!isParsed(contents)) parse(contents);
      problem = parseProblem;
    } catch (IOException e) {
      problem = e.getMessage();
    }
    if (problem != null && !problem.equals(loggedMaterialProblem)) report(problem, material != null);
    loggedMaterialProblem = problem;
    return material;
  }

  /** Headers of each call to the controller. */
  Metadata headers(Proof proof) {
    Metadata headers = new Metadata();
    headers.put(Metadata.Key.of("kplug-secret", Metadata.ASCII_STRING_MARSHALLER), secret);
    if (proof.token != null) {
      headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + proof.token);
    }
    return headers;
  }

  private String currentToken() {
    if (security.tokenFile() == null) return token;
    String problem = null;
    try {
      byte[] content =
          CertificateFiles.read(security.tokenFile(), "token file (KPLUG_TOKEN_FILE)", MAX_TOKEN_SIZE);
      String text = new String(content, StandardCharsets.UTF_8).strip();
      // The text is a secret, so that no message has it.
      if (isToken(text)) token = text;
      else problem = "the token file (KPLUG_TOKEN_FILE) has no token";
    } catch (IOException e) {
      problem = e.getMessage();
    }
    if (problem != null && !problem.equals(loggedTokenProblem)) report(problem, token != null);
    loggedTokenProblem = problem;
    return token;
  }

  private List<byte[]> readContents() throws IOException {
    byte[] ca = CertificateFiles.read(security.ca(), "CA bundle (KPLUG_TLS_CA)", MAX_FILE_SIZE);
    if (own != null) return List.of(ca);
    return List.of(
        ca,
        CertificateFiles.read(security.certificate(), "certificate (KPLUG_TLS_CERT)", MAX_FILE_SIZE),
        CertificateFiles.read(security.key(), "private key (KPLUG_TLS_KEY)", MAX_FILE_SIZE));
  }

  private boolean isParsed(List<byte[]> contents) {
    return Arrays.deepEquals(contents.toArray(), parsed.toArray());
  }

  private void parse(List<byte[]> contents) {
    try {
      Identity identity = own != null ? own : Identity.parse(contents.get(1), contents.get(2));
      material = new Material(contents.get(0), identity);
      parseProblem = null;
    } catch (GeneralSecurityException e) {
      parseProblem = e.getMessage();
    }
    parsed = contents;
  }

  private void report(String problem, boolean hasPrevious) {
    String consequence =
        hasPrevious
            ? "using the previous content"
            : "the plugin registers, and accepts calls, as soon as it is there";
    log.log(WARNING, "{0}; {1}", problem, consequence);
  }
}
