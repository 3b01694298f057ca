package org.example.sqlite;

import java.io.IOException;
import java.io.StringWriter;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** Certificate authority in memory. */
final class TestCa {
  private final X500Name name;
  private final KeyPair keys;
  private final X509Certificate certificate;

  TestCa(String name) throws Exception {
    this.name = new X500Name("CN=" + name);
    keys = createKeys();
    certificate = sign(this.name, keys, 3600, new BasicConstraints(true), null, null);
  }

  /** CA certificate in PEM. */
  String pem() throws IOException {
    return pemOf(certificate);
  }

  /** Issues a certificate. A usage or name that is null is left out. */
  Identity issue(KeyPurposeId usage, GeneralName subject, long secondsLeft) throws Exception {
    KeyPair leaf = createKeys();
    X509Certificate issued = sign(new X500Name("CN=leaf"), leaf, secondsLeft, new BasicConstraints(false), usage, subject);
    return new Identity(leaf.getPrivate(), List.of(issued), true);
  }

  /** Issues the certificate with which an operator calls plugins. */
  Identity caller() throws Exception {
    return issue(KeyPurposeId.id_kp_clientAuth, uri("kplug://caller"), 3600);
  }

  static GeneralName uri(String uri) {
    return new GeneralName(GeneralName.uniformResourceIdentifier, uri);
  }

  static String pemOf(Object object) throws IOException {
    StringWriter text = new StringWriter();
    try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
      writer.writeObject(object instanceof PrivateKey key ? new JcaPKCS8Generator(key, null) : object);
    }
    return text.toString();
  }

  private static KeyPair createKeys() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    return generator.generateKeyPair();
  }

  private X509Certificate sign(
      X500Name subject, KeyPair leaf, long secondsLeft, BasicConstraints constraints, KeyPurposeId usage, GeneralName alternative)
      throws Exception {
    Instant now = Instant.now();
    var builder =
        new JcaX509v3CertificateBuilder(
            name,
            new BigInteger(64, new SecureRandom()).add(BigInteger.ONE),
            Date.from(now.minusSeconds(7200)),
            Date.from(now.plusSeconds(secondsLeft)),
            subject,
            leaf.getPublic());
    builder.addExtension(Extension.basicConstraints, true, constraints);
    if (usage != null) builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(usage));
    if (alternative != null) builder.addExtension(Extension.subjectAlternativeName, false, new GeneralNames(alternative));
    var signer = new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate());
    return new JcaX509CertificateConverter().getCertificate(builder.build(signer));
  }
}
