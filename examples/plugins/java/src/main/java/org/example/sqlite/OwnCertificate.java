package org.example.sqlite;

import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.CertIOException;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** Makes a certificate in memory. The plugin registers it, and nothing else vouches for it. */
final class OwnCertificate {
  /** Maximum length of the name in a certificate (RFC 5280). */
  private static final int MAX_NAME_LENGTH = 64;

  private static final Duration LIFETIME = Duration.ofDays(3650);

  /** Time by which the clock of the operator may be behind that of the plugin. */
  private static final Duration CLOCK_TOLERANCE = Duration.ofDays(1);

  private OwnCertificate() {}

  /** Creates a P-256 key and a self-signed certificate for it. */
  static Identity create(String instanceId) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      KeyPair keys = generator.generateKeyPair();
      Instant now = Instant.now();
      X500Name name = nameOf(instanceId);
      JcaX509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
              name,
              new BigInteger(127, new SecureRandom()).add(BigInteger.ONE),
              Date.from(now.minus(CLOCK_TOLERANCE)),
              Date.from(now.plus(LIFETIME)),
              name,
              keys.getPublic());
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
      builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
      builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(KeyPurposeId.id_kp_serverAuth));
      var signer = new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate());
      var certificate = new JcaX509CertificateConverter().getCertificate(builder.build(signer));
      return new Identity(keys.getPrivate(), List.of(certificate), false);
    } catch (GeneralSecurityException | CertIOException | OperatorCreationException e) {
      throw new IllegalStateException("no certificate can be made with this Java: " + e.getMessage(), e);
    }
  }

  /** Name of an instance, for people. */
  private static X500Name nameOf(String instanceId) {
    String name = instanceId.replaceAll("[^\\w.:-]", "_");
    String limited = name.substring(0, Math.min(name.length(), MAX_NAME_LENGTH));
    return new X500NameBuilder().addRDN(BCStyle.CN, limited).build();
  }
}
