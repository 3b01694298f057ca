package org.example.sqlite;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.ToLongFunction;
import kplug.v1.Registry.Beat;
import kplug.v1.Registry.Lease;
import kplug.v1.Registry.Registration;
import kplug.v1.Registry.SessionRequest;
import kplug.v1.Registry.SessionResponse;
import kplug.v1.RegistryServiceGrpc;

/** Session with the controller over a channel of its own: registers the instance, and sends heartbeats until it ends. */
final class HeartbeatStream {
  // Interval between heartbeats until the controller has granted one.
  private static final long DEFAULT_INTERVAL = 5_000;
  private static final long CLOSE_TIMEOUT = 3_000;
  // Time that the controller has to answer the registration, the connection included, in nanoseconds.
  private static final long ANSWER_TIMEOUT = TimeUnit.SECONDS.toNanos(10);

  /** Response of the controller, or the end of the stream; neither if the plugin closes it. */
  private record Event(SessionResponse response, Throwable end) {}

  private final ManagedChannel channel;
  private final CredentialSource.Proof proof;
  private final Registration registration;
  private final ToLongFunction<Lease> onLease;
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private final CompletableFuture<Boolean> accepted = new CompletableFuture<>();
  private final CompletableFuture<Exception> ended = new CompletableFuture<>();

  /** `onLease` returns the interval between heartbeats, in milliseconds. The channel is closed when the session ends. */
  HeartbeatStream(
      ManagedChannel channel, CredentialSource.Proof proof, Registration registration, ToLongFunction<Lease> onLease) {
    this.channel = channel;
    this.proof = proof;
    this.registration = registration;
    this.onLease = onLease;
    Thread thread = new Thread(this::run, "heartbeats");
    thread.setDaemon(true);
    thread.start();
  }

  CredentialSource.Proof proof() {
    return proof;
  }

  /** Ends the session gracefully. */
  void close() {
    events.add(new Event(null, null));
  }

  /** Waits for the end, for a time in milliseconds. Returns its reason, `Refused` or an exception with a status; null if there is no end. */
  Exception waitForEnd(long timeout) throws InterruptedException {
    return wait(ended, timeout);
  }

  /** Waits until the controller accepts the registration, for a time in milliseconds. Returns false if the session ended before. */
  boolean waitUntilAccepted(long timeout) throws InterruptedException {
    return Boolean.TRUE.equals(wait(accepted, timeout));
  }

  private static <T> T wait(CompletableFuture<T> result, long timeout) throws InterruptedException {
    try {
      return result.get(timeout, TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      return null;
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }

  private void run() {
    Exception reason;
    try {
      reason = keep();
    } catch (InterruptedException | RuntimeException e) {
      reason = e;
    }
    channel.shutdownNow();
    ended.complete(reason);
    accepted.complete(false);
  }

  private Exception keep() throws InterruptedException {
    StreamObserver<SessionRequest> stream = RegistryServiceGrpc.newStub(channel).session(queueing());
    stream.onNext(SessionRequest.newBuilder().setRegistration(registration).build());
    long interval = DEFAULT_INTERVAL;
    long startedAt = System.nanoTime();
    long lastBeat = startedAt;
    while (true) {
      long elapsed = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - lastBeat);
      Event next = events.poll(Math.max(0, interval - elapsed), TimeUnit.MILLISECONDS);
      if (next == null && !accepted.isDone() && System.nanoTime() - startedAt >= ANSWER_TIMEOUT) {
        return Status.DEADLINE_EXCEEDED.withDescription("the registration was not answered").asException();
      } else if (next == null) {
        lastBeat = System.nanoTime();
        stream.onNext(SessionRequest.newBuilder().setBeat(Beat.getDefaultInstance()).build());
      } else if (next.end != null) {
        return Status.fromThrowable(next.end).asException();
      } else if (next.response == null) {
        stream.onCompleted();
        return waitForClose();
      } else if (next.response.hasRefusal()) {
        return new Refused(next.response.getRefusal());
      } else {
        interval = onLease.applyAsLong(next.response.getLease());
        accepted.complete(true);
      }
    }
  }

  /** Waits until the controller has closed the session too. Responses before that are ignored. */
  private Exception waitForClose() throws InterruptedException {
    Event next = events.poll(CLOSE_TIMEOUT, TimeUnit.MILLISECONDS);
    while (next != null && next.end == null) next = events.poll(CLOSE_TIMEOUT, TimeUnit.MILLISECONDS);
    return Status.CANCELLED.withDescription("the plugin closed the session").asException();
  }

  private StreamObserver<SessionResponse> queueing() {
    return new StreamObserver<>() {
      @Override
      public void onNext(SessionResponse response) {
        events.add(new Event(response, null));
      }

      @Override
      public void onError(Throwable error) {
        events.add(new Event(null, error));
      }

      @Override
      public void onCompleted() {
        Status end = Status.UNAVAILABLE.withDescription("the controller closed the session");
        events.add(new Event(null, end.asException()));
      }
    };
  }
}
