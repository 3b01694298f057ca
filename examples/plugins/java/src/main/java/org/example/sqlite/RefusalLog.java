package org.example.sqlite;

import static java.lang.System.Logger.Level.WARNING;

import java.util.concurrent.TimeUnit;

/** Logs refused clients at a limited rate. */
final class RefusalLog {
  private static final long INTERVAL = TimeUnit.SECONDS.toNanos(10);

  private final System.Logger log = System.getLogger("plugin");
  private long notBefore = System.nanoTime();
  private int unlogged;

  synchronized void add(String reason) {
    long now = System.nanoTime();
    if (now - notBefore < 0) {
      unlogged++;
      return;
    }
    String more = unlogged > 0 ? " (and " + unlogged + " more before)" : "";
    log.log(WARNING, "refused a client: {0}; only the operator may call the plugin{1}", reason, more);
    notBefore = now + INTERVAL;
    unlogged = 0;
  }
}
