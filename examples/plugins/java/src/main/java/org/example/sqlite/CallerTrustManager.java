package org.example.sqlite;

import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Lets in only the operator. A certificate of its CA is not enough: the operator's heartbeat service, and others if the CA is shared, have
 * one too.
 */
final class CallerTrustManager extends X509ExtendedTrustManager {
  private static final String CALLER_URI = "kplug://caller";
  private static final String CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
  // Type of a URI in a subject alternative name (RFC 5280).
  private static final Integer URI = 6;

  private final X509ExtendedTrustManager authorities;
  private final RefusalLog log;

  CallerTrustManager(X509ExtendedTrustManager authorities, RefusalLog log) {
    this.authorities = authorities;
    this.log = log;
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) throws CertificateException {
    try {
      authorities.checkClientTrusted(chain, type, engine);
      checkCaller(chain[0]);
    } catch (CertificateException e) {
      log.add(e.getMessage());
      throw e;
    }
  }

  private static void checkCaller(X509Certificate certificate) throws CertificateException {
    List<String> usages = certificate.getExtendedKeyUsage();
    // A certificate without the extension is trusted for any usage.
    if (usages == null || !usages.contains(CLIENT_AUTH)) {
      throw new CertificateException("its certificate is not for clients (clientAuth)");
    }
    Collection<List<?>> names = certificate.getSubjectAlternativeNames();
    if (names == null || names.stream().noneMatch(name -> name.get(0).equals(URI) && name.get(1).equals(CALLER_URI))) {
      throw new CertificateException("its certificate lacks the URI " + CALLER_URI);
    }
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return authorities.getAcceptedIssuers();
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) throws CertificateException {
    throw unsupported();
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
    throw unsupported();
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) throws CertificateException {
    throw unsupported();
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) throws CertificateException {
    throw unsupported();
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
    throw unsupported();
  }

  private static CertificateException unsupported() {
    return new CertificateException("only clients of the plugin's port are verified here");
  }
}
