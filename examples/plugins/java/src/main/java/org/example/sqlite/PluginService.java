package org.example.sqlite;

import static java.lang.System.Logger.Level.ERROR;

import io.grpc.Context;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import kplug.v1.Plugin.FinalizeRequest;
import kplug.v1.Plugin.FinalizeResponse;
import kplug.v1.Plugin.GetInfoRequest;
import kplug.v1.Plugin.GetInfoResponse;
import kplug.v1.Plugin.Outcome;
import kplug.v1.Plugin.ReconcileRequest;
import kplug.v1.Plugin.ReconcileResponse;
import kplug.v1.PluginServiceGrpc.PluginServiceImplBase;
import kplug.v1.Registry.RegistrationOrBuilder;
import kplug.v1.ResourceOuterClass.Resource;

/** Serves `kplug.v1.PluginService`, and converts failures into responses. */
final class PluginService extends PluginServiceImplBase {
  private static final int ALL = Integer.MAX_VALUE;
  private static final int MAX_LOGGED_STACKS = 100;

  private final System.Logger log = System.getLogger("service");
  private final RegistrationOrBuilder registration;
  private final SqliteTables tables;
  private final Set<Integer> loggedStacks = ConcurrentHashMap.newKeySet();
  // Each in-flight call holds one permit.
  private final Semaphore calls = new Semaphore(ALL);
  private final ResourceLocks locks = new ResourceLocks();

  PluginService(RegistrationOrBuilder registration, SqliteTables tables) {
    this.registration = registration;
    this.tables = tables;
  }

  /** Waits for in-flight calls and rejects new ones from then on. Returns false if the timeout passed before. */
  boolean finishCalls(Duration timeout) throws InterruptedException {
    return calls.tryAcquire(ALL, timeout.toMillis(), TimeUnit.MILLISECONDS);
  }

  @Override
  public void getInfo(GetInfoRequest request, StreamObserver<GetInfoResponse> observer) {
    GetInfoResponse.Builder info =
        GetInfoResponse.newBuilder()
            .setPlugin(registration.getPlugin())
            .setVersion(registration.getVersion())
            .addAllApis(registration.getApisList())
            .setInstanceId(registration.getInstanceId())
            .setRuntime("grpc-java java/" + System.getProperty("java.version"))
            .setSerializesCalls(true);
    observer.onNext(info.build());
    observer.onCompleted();
  }

  @Override
  public void reconcile(ReconcileRequest request, StreamObserver<ReconcileResponse> observer) {
    answer(
        request.getBase(),
        observer,
        () -> tables.reconcile(request),
        failure ->
            ReconcileResponse.newBuilder().setOutcome(failure.outcome()).addMessages(failure.toMessage()).build());
  }

  @Override
  public void finalize(FinalizeRequest request, StreamObserver<FinalizeResponse> observer) {
    answer(
        request.getBase(),
        observer,
        () -> {
          tables.drop(request.getBase());
          return FinalizeResponse.newBuilder().setOutcome(Outcome.OUTCOME_SUCCESS).build();
        },
        failure ->
            FinalizeResponse.newBuilder().setOutcome(failure.outcome()).addMessages(failure.toMessage()).build());
  }

  private <T> void answer(
      Resource base, StreamObserver<T> observer, Callable<T> work, Function<Failure, T> explain) {
    if (!calls.tryAcquire()) {
      observer.onError(Status.UNAVAILABLE.withDescription("the plugin is stopping").asRuntimeException());
      return;
    }
    try {
      observer.onNext(attempt(() -> oneAtATime(base, work), explain));
      observer.onCompleted();
    } finally {
      calls.release();
    }
  }

  /** Does work when the earlier calls for a resource have ended. */
  private <T> T oneAtATime(Resource base, Callable<T> work) throws Exception {
    String uid = ResourceLocks.uidOf(base);
    if (!locks.lock(uid)) {
      String text = "an earlier call for this resource is still running after " + ResourceLocks.TIMEOUT + " s";
      throw Failure.retry("EarlierCallRunning", text, null);
    }
    try {
      if (Context.current().isCancelled()) throw Failure.retry("Cancelled", "the caller no longer waits", null);
      return work.call();
    } finally {
      locks.unlock(uid);
    }
  }

  /** Logs the stack of an error once, as the controller retries the call, and then only its message. */
  private void logError(Exception e) {
    boolean isNew = loggedStacks.size() < MAX_LOGGED_STACKS && loggedStacks.add(Arrays.hashCode(e.getStackTrace()));
    if (isNew) log.log(ERROR, "call failed with an unexpected error", e);
    else log.log(ERROR, "call failed with an unexpected error: {0}", e);
  }

  private <T> T attempt(Callable<T> work, Function<Failure, T> explain) {
    try {
      return work.call();
    } catch (Failure e) {
      return explain.apply(e);
    } catch (Exception e) {
      logError(e);
      return explain.apply(Failure.retry("PluginError", e.toString(), e));
    }
  }
}
