package org.example.sqlite;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import com.google.protobuf.ByteString;
import com.google.protobuf.util.Durations;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import kplug.v1.Registry.DeregisterRequest;
import kplug.v1.Registry.HeartbeatRequest;
import kplug.v1.Registry.HeartbeatResponse;
import kplug.v1.Registry.Lease;
import kplug.v1.Registry.Registration;
import kplug.v1.RegistryServiceGrpc;
import org.example.sqlite.CredentialSource.Proof;

/**
 * Registers an instance with its controller and keeps the registration alive. When the token, CA bundle or certificate changes, a stream with
 * the new ones replaces the stream after it was accepted, so that the controller never misses the plugin. Times are in milliseconds.
 */
final class Session {
  private static final long MIN_DELAY = 50;
  private static final long MAX_DELAY = 5_000;
  // Longest delay before a refused registration is retried. The configuration of the controller may change, but rarely does.
  private static final long REFUSED_DELAY = 20_000;
  private static final long CALL_TIMEOUT = 3_000;
  // Interval at which token, CA bundle and certificate files are checked for changes.
  private static final long POLL_INTERVAL = 1_000;
  // Time that the controller has to accept a stream with a new token or certificate. The previous one continues meanwhile.
  private static final long ROTATION_TIMEOUT = 10_000;
  // Maximum number of failures and refusals that are remembered, so that each is logged once.
  private static final int MAX_LOGGED_FAILURES = 100;

  private final System.Logger log = System.getLogger("session");
  private final String controller;
  private final CredentialSource credentials;
  private final Registration registration;
  private final Runnable onDrain;
  private final Thread thread = new Thread(this::run, "session");
  // Failures and refusals that were logged since the last lease.
  private final Set<String> logged = new HashSet<>();
  private boolean registered;
  // True if the controller has no sessions and gets heartbeats as unary calls.
  private boolean unary;
  // Proof of the current connection.
  private volatile Proof used;

  /** `onDrain` is called when the controller requests a drain. */
  Session(String controller, CredentialSource credentials, Registration registration, Runnable onDrain) {
    this.controller = controller;
    this.credentials = credentials;
    this.registration = registration;
    this.onDrain = onDrain;
  }

  /** Starts to register and to send heartbeats, and reconnects after failures. */
  void start() {
    thread.setDaemon(true);
    thread.start();
  }

  /** Tells the controller that the instance is about to stop, so that it gets no new calls. Heartbeats continue. */
  void deregister() {
    Proof proof = used;
    if (proof == null) return;
    ManagedChannel channel = connect(proof);
    try {
      RegistryServiceGrpc.newBlockingStub(channel)
          .withDeadlineAfter(CALL_TIMEOUT, TimeUnit.MILLISECONDS)
          .deregister(DeregisterRequest.newBuilder().setInstanceId(registration.getInstanceId()).build());
    } catch (StatusRuntimeException e) {
      // A controller that is gone, such as one that stops its plugins when it stops, needs no deregistration.
      if (e.getStatus().getCode() == Status.Code.UNAVAILABLE) return;
      log.log(WARNING, "deregistration failed: {0}; the lease will expire instead", describe(e));
    } finally {
      channel.shutdownNow();
    }
  }

  /** Stops the heartbeats and closes the session. */
  void stop() throws InterruptedException {
    thread.interrupt();
    thread.join(CALL_TIMEOUT);
  }

  private void run() {
    try {
      int failures = 0;
      while (true) {
        Optional<Proof> found = credentials.current();
        used = found.orElse(null);
        Optional<Exception> failure = found.isPresent() ? connectOnce(found.get()) : Optional.empty();
        failures = takeRegistered() ? 0 : failures + 1;
        boolean isRefused = failure.isPresent() && failure.get() instanceof Refused;
        long delay = isRefused ? REFUSED_DELAY : Math.min(MAX_DELAY, MIN_DELAY << Math.min(failures, 10));
        failure.ifPresent(reason -> logFailure(reason, "retrying"));
        // Jitter keeps plugins from reconnecting to a restarted controller at the same time.
        pauseUntilChanged(found, jitter(delay));
      }
    } catch (InterruptedException e) {
      // The session is stopped.
    }
  }

  /**
   * Registers and sends heartbeats over a new connection, so that the name of the controller is resolved again. Returns why the connection
   * ended; nothing if the token or certificate changed. Throws `InterruptedException` when the session is stopped.
   */
  private Optional<Exception> connectOnce(Proof proof) throws InterruptedException {
    if (!unary) {
      Exception end = keepStream(proof);
      if (Status.fromThrowable(end).getCode() != Status.Code.UNIMPLEMENTED) return Optional.of(end);
      unary = true;
    }
    ManagedChannel channel = connect(proof);
    try {
      return sendHeartbeats(channel, proof);
    } finally {
      channel.shutdownNow();
    }
  }

  /** Keeps a stream until it ends, and replaces it when the token or certificate changes. Returns why it ended. */
  private Exception keepStream(Proof proof) throws InterruptedException {
    HeartbeatStream current = open(proof);
    HeartbeatStream candidate = null;
    Proof tried = null;
    long notBefore = 0;
    try {
      while (true) {
        Exception end = current.waitForEnd(POLL_INTERVAL);
        if (end != null) return end;
        Proof next = credentials.current().orElse(current.proof());
        boolean isTried = next.equals(tried) && System.nanoTime() - notBefore < 0;
        if (next.equals(current.proof()) || isTried) continue;
        candidate = open(next);
        if (candidate.waitUntilAccepted(ROTATION_TIMEOUT)) {
          current.close();
          current = candidate;
          used = next;
          log.log(INFO, "token or certificate changed; replaced the session");
        } else {
          Exception reason = candidate.waitForEnd(0);
          candidate.close();
          logFailure(reason == null ? noAnswer() : reason, "the previous session continues");
          tried = next;
          notBefore = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(jitter(REFUSED_DELAY));
        }
      }
    } catch (InterruptedException e) {
      if (candidate != null) candidate.close();
      current.close();
      current.waitForEnd(CALL_TIMEOUT);
      throw e;
    }
  }

  private static Exception noAnswer() {
    return Status.DEADLINE_EXCEEDED.withDescription("the controller did not answer in time").asException();
  }

  private HeartbeatStream open(Proof proof) {
    return new HeartbeatStream(connect(proof), proof, registrationWith(proof), this::accept);
  }

  private Optional<Exception> sendHeartbeats(ManagedChannel channel, Proof proof) throws InterruptedException {
    HeartbeatRequest request = HeartbeatRequest.newBuilder().setRegistration(registrationWith(proof)).build();
    while (credentials.current().equals(Optional.of(proof))) {
      HeartbeatResponse response;
      try {
        response =
            RegistryServiceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(CALL_TIMEOUT, TimeUnit.MILLISECONDS)
                .heartbeat(request);
      } catch (StatusRuntimeException e) {
        if (Thread.interrupted()) throw new InterruptedException();
        return Optional.of(e);
      }
      if (response.hasRefusal()) return Optional.of(new Refused(response.getRefusal()));
      Thread.sleep(accept(response.getLease()));
    }
    return Optional.empty();
  }

  /** Handles a lease and returns the interval between heartbeats. */
  private synchronized long accept(Lease lease) {
    if (!registered) log.log(INFO, "registered {0} with {1}", registration.getInstanceId(), controller);
    registered = true;
    logged.clear();
    if (lease.getDrain()) {
      log.log(INFO, "the controller requested a drain");
      onDrain.run();
    }
    return Math.max(10, Durations.toMillis(lease.getInterval()));
  }

  private synchronized boolean takeRegistered() {
    boolean was = registered;
    registered = false;
    return was;
  }

  /** Logs a failure or refusal once per outage, not per attempt. */
  private synchronized void logFailure(Exception reason, String consequence) {
    Security security = credentials.security();
    String text = "heartbeat to " + controller + " failed: " + describe(reason);
    String kind = "failure";
    System.Logger.Level level = WARNING;
    Optional<String> advice = security.usesTls() ? adviceOn(text) : Optional.empty();
    if (reason instanceof Refused) {
      kind = reason.getMessage();
    } else if (advice.isPresent()) {
      kind = advice.get();
      text += "; " + kind;
    } else if (security.isHosted()) {
      // The session of a plugin that the operator started usually ends because the operator stops both.
      level = DEBUG;
    }
    if (logged.size() >= MAX_LOGGED_FAILURES) logged.clear();
    if (!logged.add(kind)) level = DEBUG;
    log.log(level, "{0}; {1}", text, consequence);
  }

  /** Says what to do about a failed TLS connection to the controller. */
  private static Optional<String> adviceOn(String text) {
    if (text.matches("(?s).*(No subject alternative|No name matching|doesn't match).*")) {
      return Optional.of("set KPLUG_TLS_SERVER_NAME to a name in the operator's certificate");
    }
    if (text.matches("(?s).*(validity check failed|NotAfter|NotBefore).*")) {
      return Optional.of("renew the operator's certificate, and check the clocks");
    }
    if (text.matches("(?s).*(PKIX|trust anchor|Extended key usage).*")) {
      return Optional.of("compare the file of KPLUG_TLS_CA with the CA bundle of the operator");
    }
    if (text.matches("(?s).*(not an SSL/TLS record|protocol_version|Unsupported or unrecognized SSL message).*")) {
      return Optional.of(
          "the operator does not speak TLS 1.3 at this address; check KPLUG_CONTROLLER, or set KPLUG_INSECURE=true for an operator without TLS");
    }
    return Optional.empty();
  }

  /** Returns the registration with the certificate that the plugin presents. */
  private Registration registrationWith(Proof proof) {
    if (proof.material() == null) return registration;
    return registration.toBuilder().setCertificate(ByteString.copyFrom(proof.material().certificate())).build();
  }

  private ManagedChannel connect(Proof proof) {
    NettyChannelBuilder builder =
        NettyChannelBuilder.forTarget(controller)
            .intercept(MetadataUtils.newAttachHeadersInterceptor(credentials.headers(proof)))
            .keepAliveTime(10, TimeUnit.SECONDS)
            .keepAliveTimeout(5, TimeUnit.SECONDS);
    if (proof.material() == null) return builder.usePlaintext().build();
    String serverName = credentials.security().serverName();
    // Otherwise the certificate must have the host of the controller.
    if (serverName != null) builder.overrideAuthority(serverName);
    return builder.sslContext(proof.material().clientContext()).build();
  }

  /** Waits, but no longer than until the token or certificate changes. */
  private void pauseUntilChanged(Optional<Proof> known, long delay) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(delay);
    boolean isChanged = false;
    for (long rest = delay; rest > 0 && !isChanged; rest = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime())) {
      Thread.sleep(Math.min(rest, POLL_INTERVAL));
      isChanged = !credentials.current().equals(known);
    }
  }

  /** Returns a delay of half to all of the given one. */
  private static long jitter(long delay) {
    return delay / 2 + ThreadLocalRandom.current().nextLong(delay / 2);
  }

  private static String describe(Exception error) {
    if (error instanceof Refused) return error.getMessage();
    Status status = Status.fromThrowable(error);
    StringBuilder text = new StringBuilder(status.getCode() + ": " + status.getDescription());
    for (Throwable cause = status.getCause(); cause != null; cause = cause.getCause()) {
      text.append(" (").append(cause.getMessage()).append(")");
    }
    return text.toString();
  }
}
