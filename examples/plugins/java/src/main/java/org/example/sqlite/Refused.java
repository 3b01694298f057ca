package org.example.sqlite;

import kplug.v1.Registry.Refusal;

/** The controller refused the registration. */
final class Refused extends Exception {
  Refused(Refusal refusal) {
    super("registration refused: " + refusal.getMessage());
  }
}
