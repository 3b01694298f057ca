package org.example.sqlite;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.List;

/** Reads files of limited size, and parses certificates. The errors name file and variable. */
final class CertificateFiles {
  private CertificateFiles() {}

  static byte[] read(Path path, String description, int maxSize) throws IOException {
    try {
      // Opening a named pipe would wait for its writer.
      if (Files.exists(path) && !Files.isRegularFile(path)) throw new IOException("it is not a regular file");
      try (InputStream file = Files.newInputStream(path)) {
        byte[] content = file.readNBytes(maxSize + 1);
        if (content.length > maxSize) throw new IOException("it has more than " + maxSize + " bytes");
        return content;
      }
    } catch (NoSuchFileException e) {
      throw new IOException("the " + description + " " + path + " does not exist", e);
    } catch (IOException e) {
      throw new IOException("the " + description + " " + path + " can't be read: " + e.getMessage(), e);
    }
  }

  /** Parses certificates in PEM, at least one. */
  static List<X509Certificate> parse(byte[] content, String description) throws GeneralSecurityException {
    List<X509Certificate> certificates;
    try {
      var parsed = CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(content));
      certificates = parsed.stream().map(X509Certificate.class::cast).toList();
    } catch (GeneralSecurityException e) {
      throw new GeneralSecurityException("the " + description + " can't be used: " + e.getMessage(), e);
    }
    if (certificates.isEmpty()) throw new GeneralSecurityException("the " + description + " has no certificate in PEM");
    return certificates;
  }
}
