package org.example.sqlite;

import kplug.v1.Plugin.Outcome;
import kplug.v1.ResourceOuterClass.Message;
import kplug.v1.ResourceOuterClass.Severity;

/** Error that becomes a response: it tells the user what went wrong, and the controller whether to retry. */
final class Failure extends RuntimeException {
  private final Outcome outcome;
  private final String reason;
  private final String target;

  private Failure(Outcome outcome, String reason, String target, String text, Throwable cause) {
    super(text, cause);
    this.outcome = outcome;
    this.reason = reason;
    this.target = target;
  }

  /** Permanent failure, which is not retried until the resource changes. The reason is one word in PascalCase. */
  static Failure terminal(String reason, String text, Throwable cause) {
    return new Failure(Outcome.OUTCOME_TERMINAL, reason, "", text, cause);
  }

  /** Transient failure. */
  static Failure retry(String reason, String text, Throwable cause) {
    return new Failure(Outcome.OUTCOME_RETRY, reason, "", text, cause);
  }

  /** Permanent failure for an invalid resource. The target is the key of an extension, or empty for the base resource. */
  static Failure invalid(String target, String text) {
    return new Failure(Outcome.OUTCOME_TERMINAL, "InvalidSpec", target, text, null);
  }

  Outcome outcome() {
    return outcome;
  }

  Message toMessage() {
    return Message.newBuilder()
        .setSeverity(Severity.SEVERITY_ERROR)
        .setReason(reason)
        .setText(getMessage())
        .setTarget(target)
        .build();
  }
}
