package org.example.sqlite;

import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/** CA bundle, key and certificate that belong together. Never changed: another reading is another object. */
final class Material {
  private static final String PROTOCOL = "TLSv1.3";

  private final Identity identity;
  private final X509ExtendedTrustManager authorities;
  private final byte[] certificate;

  /** `ca` is the CA bundle in PEM. */
  Material(byte[] ca, Identity identity) throws GeneralSecurityException {
    this.identity = identity;
    authorities = trustManagerOf(CertificateFiles.parse(ca, "CA bundle (KPLUG_TLS_CA)"));
    certificate = identity.encoded();
  }

  /** Certificate to register, in DER. */
  byte[] certificate() {
    return certificate.clone();
  }

  /** Creates the context of a connection to the controller. */
  SslContext clientContext() {
    SslContextBuilder builder = SslContextBuilder.forClient().trustManager(authorities);
    // Nobody but the controller that called the plugin could verify a certificate made in memory.
    if (identity.isIssued()) builder.keyManager(identity.key(), identity.chain());
    return build(builder);
  }

  /** Creates the context of one connection of a client. */
  SslContext serverContext(RefusalLog log) {
    return build(
        SslContextBuilder.forServer(identity.key(), identity.chain())
            .trustManager(new CallerTrustManager(authorities, log))
            .clientAuth(ClientAuth.REQUIRE));
  }

  private static SslContext build(SslContextBuilder builder) {
    try {
      return GrpcSslContexts.configure(builder, SslProvider.JDK).protocols(PROTOCOL).build();
    } catch (SSLException e) {
      throw new IllegalStateException(e);
    }
  }

  private static X509ExtendedTrustManager trustManagerOf(List<X509Certificate> certificates)
      throws GeneralSecurityException {
    TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    try {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null);
      for (int index = 0; index < certificates.size(); index++) {
        store.setCertificateEntry("ca-" + index, certificates.get(index));
      }
      factory.init(store);
    } catch (IOException e) {
      throw new GeneralSecurityException(e);
    }
    for (TrustManager manager : factory.getTrustManagers()) {
      if (manager instanceof X509ExtendedTrustManager found) return found;
    }
    throw new GeneralSecurityException("this Java has no manager of X.509 certificates");
  }
}
