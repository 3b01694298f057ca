package org.example.sqlite;

import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.List;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;

/**
 * Key and certificate of the plugin.
 *
 * @param chain certificate, and those between it and its CA
 * @param isIssued true if they come from files, so that others can verify them
 */
record Identity(PrivateKey key, List<X509Certificate> chain, boolean isIssued) {
  /** Parses PEM files. Throws `GeneralSecurityException` if they are invalid or don't belong together. */
  static Identity parse(byte[] certificate, byte[] key) throws GeneralSecurityException {
    List<X509Certificate> chain = CertificateFiles.parse(certificate, "certificate (KPLUG_TLS_CERT)");
    PublicKey publicKey = chain.get(0).getPublicKey();
    PrivateKey privateKey = parseKey(key, publicKey.getAlgorithm());
    if (!isPair(privateKey, publicKey)) throw noPair(null);
    return new Identity(privateKey, chain, true);
  }

  /** Certificate to register, in DER. */
  byte[] encoded() throws GeneralSecurityException {
    return chain.get(0).getEncoded();
  }

  private static PrivateKey parseKey(byte[] content, String algorithm) throws GeneralSecurityException {
    try {
      byte[] encoded = readKey(new String(content, StandardCharsets.US_ASCII)).getEncoded();
      return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(encoded));
    } catch (InvalidKeySpecException e) {
      throw noPair(e);
    } catch (IOException | RuntimeException e) {
      throw new GeneralSecurityException("the private key (KPLUG_TLS_KEY) can't be used: " + e.getMessage(), e);
    }
  }

  private static PrivateKeyInfo readKey(String pem) throws IOException {
    try (PEMParser parser = new PEMParser(new StringReader(pem))) {
      // A file of an EC key may start with its parameters.
      for (Object part = parser.readObject(); part != null; part = parser.readObject()) {
        if (part instanceof PEMKeyPair pair) return pair.getPrivateKeyInfo();
        if (part instanceof PrivateKeyInfo info) return info;
      }
    }
    throw new IOException("it has no key in PEM without a password");
  }

  private static GeneralSecurityException noPair(Exception cause) {
    return new GeneralSecurityException(
        "the private key (KPLUG_TLS_KEY) does not belong to the certificate (KPLUG_TLS_CERT)", cause);
  }

  private static boolean isPair(PrivateKey privateKey, PublicKey publicKey) throws GeneralSecurityException {
    String algorithm = publicKey.getAlgorithm();
    Signature signature =
        Signature.getInstance(
            switch (algorithm) {
              case "EC" -> "SHA256withECDSA";
              case "RSA" -> "SHA256withRSA";
              default -> algorithm;
            });
    byte[] text = "kplug".getBytes(StandardCharsets.US_ASCII);
    signature.initSign(privateKey);
    signature.update(text);
    byte[] signed = signature.sign();
    signature.initVerify(publicKey);
    signature.update(text);
    return signature.verify(signed);
  }
}
