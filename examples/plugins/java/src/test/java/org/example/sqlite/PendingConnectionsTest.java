package org.example.sqlite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Attributes;
import io.grpc.Grpc;
import io.grpc.netty.shaded.io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PendingConnectionsTest {
  private final PendingConnections pending = new PendingConnections();

  /** Connection from an address. */
  private static final class Connection extends EmbeddedChannel {
    private final InetSocketAddress client;

    Connection(String host, int port) {
      client = new InetSocketAddress(host, port);
    }

    @Override
    public SocketAddress remoteAddress() {
      return client;
    }
  }

  private Connection open(String host, int port) {
    Connection connection = new Connection(host, port);
    pending.add(connection);
    return connection;
  }

  private List<Connection> flood(String host) {
    List<Connection> opened = new ArrayList<>();
    for (int port = 1; port <= PendingConnections.MAX_CONNECTIONS; port++) opened.add(open(host, port));
    return opened;
  }

  @Test
  void closesTheOldestOfTheAddressWithTheMost() {
    Connection operator = open("192.0.2.1", 1);
    List<Connection> flood = flood("192.0.2.2");
    assertTrue(operator.isOpen());
    assertFalse(flood.get(0).isOpen());
    Connection other = open("192.0.2.3", 1);
    assertFalse(flood.get(1).isOpen());
    assertTrue(flood.get(2).isOpen());
    assertTrue(operator.isOpen() && other.isOpen());
    assertEquals(PendingConnections.MAX_CONNECTIONS, pending.size());
  }

  @Test
  void doesNotCountVerifiedAndClosedConnections() {
    Connection operator = open("192.0.2.1", 1);
    Attributes verified =
        Attributes.newBuilder().set(Grpc.TRANSPORT_ATTR_REMOTE_ADDR, operator.remoteAddress()).build();
    pending.transportReady(verified);
    List<Connection> flood = flood("192.0.2.1");
    flood("192.0.2.1");
    assertTrue(operator.isOpen());
    assertFalse(flood.get(0).isOpen());
    Connection last = open("192.0.2.4", 1);
    assertEquals(PendingConnections.MAX_CONNECTIONS, pending.size());
    last.close();
    assertEquals(PendingConnections.MAX_CONNECTIONS - 1, pending.size());
  }
}
