package org.example.sqlite;

import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.nio.NioEventLoopGroup;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import kplug.v1.Registry.Registration;

/** Serves a plugin and keeps it registered. */
final class PluginServer {
  /** Longest time that connections stay open after the last call has ended. */
  private static final Duration CONNECTION_GRACE_PERIOD = Duration.ofSeconds(1);

  /** Time that a client has for its TLS handshake. */
  private static final Duration HANDSHAKE_TIMEOUT = Duration.ofSeconds(10);

  private final System.Logger log = System.getLogger("plugin");
  private final CountDownLatch drain = new CountDownLatch(1);
  private final Registration.Builder registration;
  private final String controller;
  private final CredentialSource credentials;
  private final PluginService service;
  private final Server server;
  private final PendingConnections pending = new PendingConnections();
  private final EventLoopGroup listening = new NioEventLoopGroup(1);
  private final EventLoopGroup serving = new NioEventLoopGroup();
  private Session session;

  PluginServer(
      Registration.Builder registration,
      String controller,
      Security security,
      InetSocketAddress bindAddress,
      SqliteTables tables) {
    this.registration = registration;
    this.controller = controller;
    credentials = new CredentialSource(security, registration.getInstanceId());
    service = new PluginService(registration, tables);
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(bindAddress)
            .addService(service)
            // The plugin is healthy as long as it runs.
            .addService(new HealthStatusManager().getHealthService())
            .addService(ProtoReflectionServiceV1.newInstance())
            // Controllers ping their idle connections. By default, grpc-java closes connections with so many pings.
            .permitKeepAliveTime(5, TimeUnit.SECONDS)
            .permitKeepAliveWithoutCalls(true)
            .handshakeTimeout(HANDSHAKE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)
            .maxConcurrentCallsPerConnection(1000);
    builder
        .channelFactory(() -> new PendingConnections.Listener(pending))
        .bossEventLoopGroup(listening)
        .workerEventLoopGroup(serving)
        .addTransportFilter(pending);
    if (security.usesTls()) builder.sslContext(new CallerContext(credentials::currentMaterial));
    server = builder.build();
    if (security.insecure()) {
      log.log(
          System.Logger.Level.WARNING,
          "KPLUG_INSECURE is set: heartbeats and calls are neither encrypted nor authenticated");
    }
  }

  /** Listens, registers and starts to send heartbeats. */
  void start() throws IOException {
    server.start();
    registration.setAddress(registration.getAddress().replaceFirst(":0$", ":" + server.getPort()));
    session = new Session(controller, credentials, registration.build(), drain::countDown);
    session.start();
  }

  /** Port that the plugin listens on. */
  int port() {
    return server.getPort();
  }

  /** Number of connections whose client is not verified yet. */
  int pendingConnections() {
    return pending.size();
  }

  /** Returns when the controller requests a drain. */
  void awaitDrain() throws InterruptedException {
    drain.await();
  }

  /** Deregisters, finishes in-flight calls and stops. */
  void stop(Duration drainTimeout) {
    try {
      session.deregister();
      if (!service.finishCalls(drainTimeout)) {
        log.log(System.Logger.Level.WARNING, "drain timeout of {0} exceeded; cancelling in-flight calls", drainTimeout);
      }
      // Sends the last responses, then closes connections with open streams, such as health watches.
      server.shutdown();
      if (!server.awaitTermination(CONNECTION_GRACE_PERIOD.toMillis(), TimeUnit.MILLISECONDS)) server.shutdownNow();
      session.stop();
      listening.shutdownGracefully(0, 0, TimeUnit.MILLISECONDS);
      serving.shutdownGracefully(0, 0, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
