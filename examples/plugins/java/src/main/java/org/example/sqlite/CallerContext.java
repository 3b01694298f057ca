package org.example.sqlite;

import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.netty.buffer.ByteBufAllocator;
import io.grpc.netty.shaded.io.netty.handler.ssl.ApplicationProtocolNegotiator;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.function.Supplier;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSessionContext;

/**
 * TLS of the plugin's port. Each connection has a context of its own, made from the files as they are at that moment. No client can resume a
 * session, which would outlive the CA that its certificate was verified by.
 */
final class CallerContext extends SslContext {
  private final Supplier<Material> material;
  private final RefusalLog log = new RefusalLog();
  // Without a key. Its handshakes fail.
  private final SslContext closed;

  /** `material` supplies null as long as the files are missing or invalid. */
  CallerContext(Supplier<Material> material) {
    this.material = material;
    try {
      KeyManagerFactory noKeys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      noKeys.init(null, null);
      closed = GrpcSslContexts.configure(SslContextBuilder.forServer(noKeys), SslProvider.JDK).build();
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private SslContext current() {
    Material found = material.get();
    return found == null ? closed : found.serverContext(log);
  }

  @Override
  public SSLEngine newEngine(ByteBufAllocator allocator) {
    return current().newEngine(allocator);
  }

  @Override
  public SSLEngine newEngine(ByteBufAllocator allocator, String peerHost, int peerPort) {
    return current().newEngine(allocator, peerHost, peerPort);
  }

  @Override
  public boolean isClient() {
    return false;
  }

  @Override
  public List<String> cipherSuites() {
    return closed.cipherSuites();
  }

  @Override
  @SuppressWarnings("deprecation")
  public ApplicationProtocolNegotiator applicationProtocolNegotiator() {
    return closed.applicationProtocolNegotiator();
  }

  @Override
  public SSLSessionContext sessionContext() {
    return closed.sessionContext();
  }
}
