package org.example.sqlite;

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

/** Makes an instance known to its controller and keeps it known. Times are in milliseconds. */
final class Session {
  private static final long SHORTEST_WAIT = 50;
  private static final long LONGEST_WAIT = 5_000;
  // A controller's mind may change, but not soon. Of both waits half is left to chance.
  private static final long REFUSED_WAIT = 20_000;
  private static final long CALL_TIMEOUT = 3_000;

  private final System.Logger log = System.getLogger("session");
  private final String controller;
  private final Registration registration;
  private final Runnable onDrain;
  private final Thread thread = new Thread(this::keep, "session");
  private boolean registered;
  // Whether the controller keeps no sessions and is beaten to by single calls.
  private boolean unary;

  /** What the stream of a session brought: an answer, or its end. */
  private record Heard(SessionResponse answer, Throwable end) {}

  private static final class Refused extends Exception {
    Refused(Refusal refusal) {
      super("the registration is refused: " + refusal.getMessage());
    }
  }

  /** `onDrain` is called when the controller wishes the instance to drain. */
  Session(String controller, Registration registration, Runnable onDrain) {
    this.controller = controller;
    this.registration = registration;
    this.onDrain = onDrain;
  }

  /** Registers and beats from now on, and begins again when that breaks. */
  void start() {
    thread.setDaemon(true);
    thread.start();
  }

  /** Tells the controller that the instance is about to stop, so that it gets no new calls. The session goes on. */
  void deregister() throws InterruptedException {
    ManagedChannel channel = connect();
    try {
      RegistryServiceGrpc.newBlockingStub(channel)
          .withDeadlineAfter(CALL_TIMEOUT, TimeUnit.MILLISECONDS)
          .deregister(DeregisterRequest.newBuilder().setInstanceId(registration.getInstanceId()).build());
    } catch (StatusRuntimeException e) {
      String complaint = "the controller could not be told that the plugin stops; its lease will end: {0}";
      log.log(WARNING, complaint, describe(e.getStatus()));
    } finally {
      close(channel);
    }
  }

  /** Beats no more, and ends the session. */
  void stop() throws InterruptedException {
    thread.interrupt();
    thread.join(CALL_TIMEOUT);
  }

  private void keep() {
    try {
      for (int failures = 0; ; failures++) {
        registered = false;
        long wait = REFUSED_WAIT;
        String complaint;
        try {
          complaint = describe(once());
          if (registered) failures = 0;
          wait = Math.min(LONGEST_WAIT, SHORTEST_WAIT << Math.min(failures, 10));
        } catch (Refused e) {
          complaint = e.getMessage();
        }
        // One line for each time that it is away, not for each try.
        if (failures == 0 || wait == REFUSED_WAIT) {
          log.log(WARNING, "not registered with {0}; trying until it is: {1}", controller, complaint);
        }
        // The jitter keeps a restarted controller from being stormed.
        Thread.sleep(wait / 2 + ThreadLocalRandom.current().nextLong(wait / 2));
      }
    } catch (InterruptedException e) {
      // The session is stopped.
    }
  }

  /**
   * Registers and beats over a new connection, so that the controller's name is resolved anew. Returns why that broke, and throws
   * `InterruptedException` when the session is stopped.
   */
  private Status once() throws Refused, InterruptedException {
    ManagedChannel channel = connect();
    try {
      if (!unary) {
        Status end = keepSession(channel);
        if (end.getCode() != Status.Code.UNIMPLEMENTED) return end;
        unary = true;
      }
      return keepBeating(channel);
    } finally {
      close(channel);
    }
  }

  private Status keepSession(ManagedChannel channel) throws Refused, InterruptedException {
    BlockingQueue<Heard> heard = new LinkedBlockingQueue<>();
    StreamObserver<SessionRequest> stream = RegistryServiceGrpc.newStub(channel).session(hearing(heard));
    stream.onNext(SessionRequest.newBuilder().setRegistration(registration).build());
    long interval = LONGEST_WAIT;
    long lastBeat = System.nanoTime();
    try {
      while (true) {
        long elapsed = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - lastBeat);
        Heard next = heard.poll(Math.max(0, interval - elapsed), TimeUnit.MILLISECONDS);
        if (next == null) {
          lastBeat = System.nanoTime();
          stream.onNext(SessionRequest.newBuilder().setBeat(Beat.getDefaultInstance()).build());
        } else if (next.answer == null) {
          return Status.fromThrowable(next.end);
        } else if (next.answer.hasRefusal()) {
          throw new Refused(next.answer.getRefusal());
        } else {
          interval = accept(next.answer.getLease());
        }
      }
    } catch (InterruptedException e) {
      stream.onCompleted();
      // The controller ends it too; whatever else it says on the way doesn't matter any more.
      Heard next = heard.poll(CALL_TIMEOUT, TimeUnit.MILLISECONDS);
      while (next != null && next.answer != null) next = heard.poll(CALL_TIMEOUT, TimeUnit.MILLISECONDS);
      throw e;
    }
  }

  private static StreamObserver<SessionResponse> hearing(BlockingQueue<Heard> heard) {
    return new StreamObserver<>() {
      @Override
      public void onNext(SessionResponse answer) {
        heard.add(new Heard(answer, null));
      }

      @Override
      public void onError(Throwable error) {
        heard.add(new Heard(null, error));
      }

      @Override
      public void onCompleted() {
        Status end = Status.UNAVAILABLE.withDescription("the controller ended the session");
        heard.add(new Heard(null, end.asException()));
      }
    };
  }

  private Status keepBeating(ManagedChannel channel) throws Refused, InterruptedException {
    HeartbeatRequest request = HeartbeatRequest.newBuilder().setRegistration(registration).build();
    while (true) {
      HeartbeatResponse answer;
      try {
        answer =
            RegistryServiceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(CALL_TIMEOUT, TimeUnit.MILLISECONDS)
                .heartbeat(request);
      } catch (StatusRuntimeException e) {
        if (Thread.interrupted()) throw new InterruptedException();
        return e.getStatus();
      }
      if (answer.hasRefusal()) throw new Refused(answer.getRefusal());
      Thread.sleep(accept(answer.getLease()));
    }
  }

  /** Takes a lease's terms, and returns the interval to beat at. */
  private long accept(Lease lease) {
    if (!registered) log.log(INFO, "registered {0} with {1}", registration.getInstanceId(), controller);
    registered = true;
    if (lease.getDrain()) {
      log.log(INFO, "the controller wishes the plugin to drain");
      onDrain.run();
    }
    return Math.max(10, Durations.toMillis(lease.getInterval()));
  }

  private ManagedChannel connect() {
    return Grpc.newChannelBuilder(controller, InsecureChannelCredentials.create())
        .intercept(MetadataUtils.newAttachHeadersInterceptor(proof()))
        .keepAliveTime(10, TimeUnit.SECONDS)
        .keepAliveTimeout(5, TimeUnit.SECONDS)
        .build();
  }

  /** What proves who beats to a controller that started the plugin. */
  private static Metadata proof() {
    Metadata headers = new Metadata();
    String token = System.getenv("KPLUG_TOKEN");
    if (token != null && !token.isEmpty()) {
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
