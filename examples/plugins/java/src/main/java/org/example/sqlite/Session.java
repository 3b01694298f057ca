package org.example.sqlite;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import com.google.protobuf.util.Durations;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import kplug.v1.Registry.Beat;
import kplug.v1.Registry.DeregisterRequest;
import kplug.v1.Registry.HeartbeatRequest;
import kplug.v1.Registry.HeartbeatResponse;
import kplug.v1.Registry.Lease;
import kplug.v1.Registry.Refusal;
import kplug.v1.Registry.Registration;
import kplug.v1.Registry.SessionRequest;
import kplug.v1.Registry.SessionResponse;
import kplug.v1.RegistryServiceGrpc;

/** Registers an instance with its controller and keeps the registration alive. Times are in milliseconds. */
final class Session {
  private static final long MIN_DELAY = 50;
  private static final long MAX_DELAY = 5_000;
  // Longest delay before a refused registration is retried. The configuration of the controller may change, but rarely does.
  private static final long REFUSED_DELAY = 20_000;
  // Interval between heartbeats until the controller has granted one.
  private static final long DEFAULT_INTERVAL = 5_000;
  private static final long CALL_TIMEOUT = 3_000;

  private final System.Logger log = System.getLogger("session");
  private final String controller;
  private final Registration registration;
  private final Runnable onDrain;
  private final Thread thread = new Thread(this::run, "session");
  private boolean registered;
  // True if the controller has no sessions and gets heartbeats as unary calls.
  private boolean unary;

  /** Response on the stream of a session, or the end of the stream. */
  private record StreamEvent(SessionResponse response, Throwable end) {}

  private static final class Refused extends Exception {
    Refused(Refusal refusal) {
      super("registration refused: " + refusal.getMessage());
    }
  }

  /** `onDrain` is called when the controller requests a drain. */
  Session(String controller, Registration registration, Runnable onDrain) {
    this.controller = controller;
    this.registration = registration;
    this.onDrain = onDrain;
  }

  /** Starts to register and to send heartbeats, and reconnects after failures. */
  void start() {
    thread.setDaemon(true);
    thread.start();
  }

  /** Tells the controller that the instance is about to stop, so that it gets no new calls. Heartbeats continue. */
  void deregister() throws InterruptedException {
    ManagedChannel channel = connect();
    try {
      RegistryServiceGrpc.newBlockingStub(channel)
          .withDeadlineAfter(CALL_TIMEOUT, TimeUnit.MILLISECONDS)
          .deregister(DeregisterRequest.newBuilder().setInstanceId(registration.getInstanceId()).build());
    } catch (StatusRuntimeException e) {
      // A controller that is gone, such as one that stops its plugins when it stops, needs no deregistration.
      if (e.getStatus().getCode() == Status.Code.UNAVAILABLE) return;
      log.log(WARNING, "deregistration failed: {0}; the lease will expire instead", describe(e.getStatus()));
    } finally {
      close(channel);
    }
  }

  /** Stops the heartbeats and closes the session. */
  void stop() throws InterruptedException {
    thread.interrupt();
    thread.join(CALL_TIMEOUT);
  }

  private void run() {
    try {
      for (int failures = 0; ; failures++) {
        registered = false;
        long delay = REFUSED_DELAY;
        String failure;
        try {
          failure = describe(connectOnce());
          if (registered) failures = 0;
          delay = Math.min(MAX_DELAY, MIN_DELAY << Math.min(failures, 10));
        } catch (Refused e) {
          failure = e.getMessage();
        }
        // One warning per outage, not per attempt.
        if (failures == 0 || delay == REFUSED_DELAY) {
          // The session of a plugin that the operator started usually ends because the operator stops both.
          System.Logger.Level level = token().isEmpty() || delay == REFUSED_DELAY ? WARNING : DEBUG;
          log.log(level, "heartbeat to {0} failed: {1}; retrying", controller, failure);
        }
        // Jitter keeps plugins from reconnecting to a restarted controller at the same time.
        Thread.sleep(delay / 2 + ThreadLocalRandom.current().nextLong(delay / 2));
      }
    } catch (InterruptedException e) {
      // The session is stopped.
    }
  }

  /**
   * Registers and sends heartbeats over a new connection, so that the name of the controller is resolved again. Returns the status with which
   * the connection broke. Throws `InterruptedException` when the session is stopped.
   */
  private Status connectOnce() throws Refused, InterruptedException {
    ManagedChannel channel = connect();
    try {
      if (!unary) {
        Status end = openSession(channel);
        if (end.getCode() != Status.Code.UNIMPLEMENTED) return end;
        unary = true;
      }
      return sendHeartbeats(channel);
    } finally {
      close(channel);
    }
  }

  private Status openSession(ManagedChannel channel) throws Refused, InterruptedException {
    BlockingQueue<StreamEvent> events = new LinkedBlockingQueue<>();
    StreamObserver<SessionRequest> stream = RegistryServiceGrpc.newStub(channel).session(queueing(events));
    stream.onNext(SessionRequest.newBuilder().setRegistration(registration).build());
    long interval = DEFAULT_INTERVAL;
    long lastBeat = System.nanoTime();
    try {
      while (true) {
        long elapsed = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - lastBeat);
        StreamEvent next = events.poll(Math.max(0, interval - elapsed), TimeUnit.MILLISECONDS);
        if (next == null) {
          lastBeat = System.nanoTime();
          stream.onNext(SessionRequest.newBuilder().setBeat(Beat.getDefaultInstance()).build());
        } else if (next.response == null) {
          return Status.fromThrowable(next.end);
        } else if (next.response.hasRefusal()) {
          throw new Refused(next.response.getRefusal());
        } else {
          interval = accept(next.response.getLease());
        }
      }
    } catch (InterruptedException e) {
      stream.onCompleted();
      // Waits until the controller has closed the session too. Responses before that are ignored.
      StreamEvent next = events.poll(CALL_TIMEOUT, TimeUnit.MILLISECONDS);
      while (next != null && next.response != null) next = events.poll(CALL_TIMEOUT, TimeUnit.MILLISECONDS);
      throw e;
    }
  }

  private static StreamObserver<SessionResponse> queueing(BlockingQueue<StreamEvent> events) {
    return new StreamObserver<>() {
      @Override
      public void onNext(SessionResponse response) {
        events.add(new StreamEvent(response, null));
      }

      @Override
      public void onError(Throwable error) {
        events.add(new StreamEvent(null, error));
      }

      @Override
      public void onCompleted() {
        Status end = Status.UNAVAILABLE.withDescription("the controller closed the session");
        events.add(new StreamEvent(null, end.asException()));
      }
    };
  }

  private Status sendHeartbeats(ManagedChannel channel) throws Refused, InterruptedException {
    HeartbeatRequest request = HeartbeatRequest.newBuilder().setRegistration(registration).build();
    while (true) {
      HeartbeatResponse response;
      try {
        response =
            RegistryServiceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(CALL_TIMEOUT, TimeUnit.MILLISECONDS)
                .heartbeat(request);
      } catch (StatusRuntimeException e) {
        if (Thread.interrupted()) throw new InterruptedException();
        return e.getStatus();
      }
      if (response.hasRefusal()) throw new Refused(response.getRefusal());
      Thread.sleep(accept(response.getLease()));
    }
  }

  /** Handles a lease and returns the interval between heartbeats. */
  private long accept(Lease lease) {
    if (!registered) log.log(INFO, "registered {0} with {1}", registration.getInstanceId(), controller);
    registered = true;
    if (lease.getDrain()) {
      log.log(INFO, "the controller requested a drain");
      onDrain.run();
    }
    return Math.max(10, Durations.toMillis(lease.getInterval()));
  }

  /** Token of a plugin that the operator started; empty for others. */
  private static String token() {
    return Objects.requireNonNullElse(System.getenv("KPLUG_TOKEN"), "");
  }

  private ManagedChannel connect() {
    return Grpc.newChannelBuilder(controller, InsecureChannelCredentials.create())
        .intercept(MetadataUtils.newAttachHeadersInterceptor(authorization()))
        .keepAliveTime(10, TimeUnit.SECONDS)
        .keepAliveTimeout(5, TimeUnit.SECONDS)
        .build();
  }

  /** Headers that authenticate the plugin to a controller that started it. */
  private static Metadata authorization() {
    Metadata headers = new Metadata();
    String token = token();
    if (!token.isEmpty()) {
      headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
    }
    return headers;
  }

  private static String describe(Status status) {
    String cause = status.getCause() == null ? "" : " (" + status.getCause().getMessage() + ")";
    return status.getCode() + ": " + status.getDescription() + cause;
  }

  private static void close(ManagedChannel channel) {
    channel.shutdownNow();
  }
}
