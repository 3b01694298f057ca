package org.example.sqlite;

import io.grpc.Attributes;
import io.grpc.Grpc;
import io.grpc.ServerTransportFilter;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Connections whose client is not verified yet. Their number is limited: when there are too many, the oldest one from the address that has
 * the most is closed, so that a flood from one address takes the place of no other client.
 */
final class PendingConnections extends ServerTransportFilter {
  /** Maximum number of these connections. */
  static final int MAX_CONNECTIONS = 256;

  /** Channels by the address and port of their client, oldest first. */
  private final Map<SocketAddress, Channel> channels = new LinkedHashMap<>();

  /** Removes a connection after its handshake. */
  @Override
  public Attributes transportReady(Attributes attributes) {
    SocketAddress client = attributes.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
    synchronized (this) {
      channels.remove(client);
    }
    return attributes;
  }

  /** Number of these connections. */
  synchronized int size() {
    return channels.size();
  }

  void add(Channel channel) {
    SocketAddress client = channel.remoteAddress();
    // A connection that is reset before it is accepted has no address.
    if (client == null) return;
    Channel evicted = null;
    synchronized (this) {
      if (channels.size() >= MAX_CONNECTIONS) evicted = channels.remove(oldestOfMost());
      channels.put(client, channel);
    }
    if (evicted != null) evicted.close();
    channel
        .closeFuture()
        .addListener(
            closed -> {
              synchronized (this) {
                // Another connection may have the address by now.
                channels.remove(client, channel);
              }
            });
  }

  private SocketAddress oldestOfMost() {
    Map<InetAddress, Integer> counts = new HashMap<>();
    for (SocketAddress client : channels.keySet()) counts.merge(hostOf(client), 1, Integer::sum);
    int most = Collections.max(counts.values());
    for (SocketAddress client : channels.keySet()) if (counts.get(hostOf(client)) == most) return client;
    throw new IllegalStateException("there is no connection");
  }

  private static InetAddress hostOf(SocketAddress client) {
    return ((InetSocketAddress) client).getAddress();
  }

  /** Channel that listens, and passes each accepted connection to the limit. grpc-java has no setting for it. */
  static final class Listener extends NioServerSocketChannel {
    private final PendingConnections pending;

    Listener(PendingConnections pending) {
      this.pending = pending;
    }

    @Override
    protected int doReadMessages(List<Object> accepted) throws Exception {
      int count = super.doReadMessages(accepted);
      for (Object channel : accepted.subList(accepted.size() - Math.max(0, count), accepted.size())) {
        pending.add((Channel) channel);
      }
      return count;
    }
  }
}
