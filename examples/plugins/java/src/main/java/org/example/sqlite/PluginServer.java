package org.example.sqlite;

import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
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
  /** How long connections may stay open after the last call has ended. */
  private static final Duration LINGER = Duration.ofSeconds(1);

  private final System.Logger log = System.getLogger("plugin");
  private final CountDownLatch drain = new CountDownLatch(1);
  private final Registration.Builder registration;
  private final String controller;
  private final PluginService service;
  private final Server server;
  private Session session;

  PluginServer(
      Registration.Builder registration, String controller, InetSocketAddress bindAddress, SqliteTables tables) {
    this.registration = registration;
    this.controller = controller;
    service = new PluginService(registration, tables);
    server =
        NettyServerBuilder.forAddress(bindAddress)
            .addService(service)
            // It is healthy for as long as it is there.
            .addService(new HealthStatusManager().getHealthService())
            .addService(ProtoReflectionServiceV1.newInstance())
            // Controllers ping their idle connections, which grpc-java would close them for.
            .permitKeepAliveTime(5, TimeUnit.SECONDS)
            .permitKeepAliveWithoutCalls(true)
            .maxConcurrentCallsPerConnection(1000)
            .build();
  }

  /** Listens, registers and begins to beat. */
  void start() throws IOException {
    server.start();
    if (registration.getAddress().isEmpty()) registration.setAddress(":" + server.getPort());
    session = new Session(controller, registration.build(), drain::countDown);
    session.start();
  }

  /** Returns when the controller wishes the plugin to drain. */
  void awaitDrain() throws InterruptedException {
    drain.await();
  }

  /** Deregisters, finishes the calls under way, and stops. */
  void stop(Duration drainTimeout) {
    try {
      session.deregister();
      if (!service.finishCalls(drainTimeout)) {
        log.log(System.Logger.Level.WARNING, "calls took longer than {0} and are cut off", drainTimeout);
      }
      // The last answers are sent. Connections that somebody keeps open, such as those of health watches, are cut.
      server.shutdown();
      if (!server.awaitTermination(LINGER.toMillis(), TimeUnit.MILLISECONDS)) server.shutdownNow();
      session.stop();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
