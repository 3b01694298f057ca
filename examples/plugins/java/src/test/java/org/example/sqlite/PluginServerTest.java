package org.example.sqlite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.grpc.netty.shaded.io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import kplug.v1.Plugin.GetInfoRequest;
import kplug.v1.PluginServiceGrpc;
import kplug.v1.Registry.Registration;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PluginServerTest {
  @TempDir private Path directory;
  private Path bundle;
  private TestCa ca;
  private TestCa stranger;
  private PluginServer server;

  @BeforeEach
  void serve() throws Exception {
    ca = new TestCa("kplug");
    stranger = new TestCa("kplug");
    bundle = directory.resolve("ca.crt");
    Files.writeString(bundle, ca.pem());
    String controller = "127.0.0.1:1";
    Security security = Security.read(Map.of("KPLUG_TLS_CA", bundle.toString()), directory, controller);
    server =
        new PluginServer(
            Registration.newBuilder().setInstanceId("instance"),
            controller,
            security,
            new InetSocketAddress("127.0.0.1", 0),
            new SqliteTables(directory, Duration.ofSeconds(30), Optional.empty()));
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(Duration.ofSeconds(5));
  }

  @Test
  void servesOnlyTheOperator() throws Exception {
    assertEquals("instance", call(ca.caller(), "TLSv1.3"));
    Map<String, Identity> others = new LinkedHashMap<>();
    others.put("no certificate", null);
    others.put("another CA", stranger.caller());
    others.put("a server", ca.issue(KeyPurposeId.id_kp_serverAuth, TestCa.uri("kplug://caller"), 3600));
    others.put("no usage", ca.issue(null, TestCa.uri("kplug://caller"), 3600));
    others.put("any usage", ca.issue(KeyPurposeId.anyExtendedKeyUsage, TestCa.uri("kplug://caller"), 3600));
    others.put("no URI", ca.issue(KeyPurposeId.id_kp_clientAuth, null, 3600));
    others.put("another URI", ca.issue(KeyPurposeId.id_kp_clientAuth, TestCa.uri("kplug://caller/x"), 3600));
    GeneralName name = new GeneralName(GeneralName.dNSName, "kplug.caller");
    others.put("a DNS name", ca.issue(KeyPurposeId.id_kp_clientAuth, name, 3600));
    others.put("an expired one", ca.issue(KeyPurposeId.id_kp_clientAuth, TestCa.uri("kplug://caller"), -60));
    others.forEach(
        (title, other) -> assertThrows(StatusRuntimeException.class, () -> call(other, "TLSv1.3"), title));
    Identity caller = ca.caller();
    assertThrows(StatusRuntimeException.class, () -> call(caller, "TLSv1.2"));
  }

  @Test
  void readsTheBundleForEachHandshake() throws Exception {
    Files.writeString(bundle, ca.pem() + stranger.pem());
    call(stranger.caller(), "TLSv1.3");
    Files.writeString(bundle, "malformed");
    call(ca.caller(), "TLSv1.3");
    Files.writeString(bundle, stranger.pem());
    Identity previous = ca.caller();
    assertThrows(StatusRuntimeException.class, () -> call(previous, "TLSv1.3"));
  }

  @Test
  void countsConnectionsWhoseClientIsNotVerified() throws Exception {
    try (Socket first = new Socket("127.0.0.1", server.port());
        Socket second = new Socket("127.0.0.1", server.port())) {
      assertEquals("instance", call(ca.caller(), "TLSv1.3"));
      assertTrue(first.isConnected() && second.isConnected());
      // The operator is verified, and was accepted after them.
      assertEquals(2, server.pendingConnections());
    }
  }

  /** Asks the plugin for its health and its instance id. */
  private String call(Identity identity, String protocol) throws Exception {
    SslContextBuilder builder = SslContextBuilder.forClient().trustManager(InsecureTrustManagerFactory.INSTANCE);
    if (identity != null) builder.keyManager(identity.key(), identity.chain());
    var context = GrpcSslContexts.configure(builder, SslProvider.JDK).protocols(protocol).build();
    ManagedChannel channel =
        NettyChannelBuilder.forAddress("127.0.0.1", server.port()).sslContext(context).build();
    try {
      HealthGrpc.newBlockingStub(channel)
          .withDeadlineAfter(10, TimeUnit.SECONDS)
          .check(HealthCheckRequest.getDefaultInstance());
      return PluginServiceGrpc.newBlockingStub(channel)
          .withDeadlineAfter(10, TimeUnit.SECONDS)
          .getInfo(GetInfoRequest.getDefaultInstance())
          .getInstanceId();
    } finally {
      channel.shutdownNow();
    }
  }
}
