package org.example.sqlite;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import kplug.v1.ResourceOuterClass.Resource;

/**
 * Runs the calls for one resource one after another. The connection of a call may break, or its deadline pass, while it still runs; the
 * controller then makes another call, which waits here for the end of the earlier one.
 */
final class ResourceLocks {
  /** Longest time that a call waits for earlier ones, in seconds. */
  static final long TIMEOUT = 10;

  private static final class Lock {
    final Semaphore running = new Semaphore(1, true);
    // Number of calls that run or wait.
    int calls;
  }

  private final Map<String, Lock> locks = new HashMap<>();

  /** Waits for the earlier calls for a resource. Returns false if they take too long; otherwise `unlock` must follow. */
  boolean lock(String uid) throws InterruptedException {
    if (uid.isEmpty()) return true;
    boolean isLocked = false;
    try {
      isLocked = join(uid).running.tryAcquire(TIMEOUT, TimeUnit.SECONDS);
      return isLocked;
    } finally {
      if (!isLocked) leave(uid);
    }
  }

  void unlock(String uid) {
    if (!uid.isEmpty()) leave(uid).running.release();
  }

  /** Returns the uid of a resource; empty if it has none. The call itself answers a malformed resource. */
  static String uidOf(Resource resource) {
    try {
      JsonElement parsed = JsonParser.parseString(resource.getJson().toStringUtf8());
      if (parsed instanceof JsonObject object
          && object.get("metadata") instanceof JsonObject metadata
          && metadata.get("uid") != null
          && metadata.get("uid").isJsonPrimitive()) return metadata.get("uid").getAsString();
    } catch (JsonParseException e) {
      return "";
    }
    return "";
  }

  private synchronized Lock join(String uid) {
    Lock lock = locks.computeIfAbsent(uid, key -> new Lock());
    lock.calls++;
    return lock;
  }

  private synchronized Lock leave(String uid) {
    Lock lock = locks.get(uid);
    if (--lock.calls == 0) locks.remove(uid);
    return lock;
  }
}
