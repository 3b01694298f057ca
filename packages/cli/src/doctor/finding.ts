/**
 * Outcome of a check.
 *
 * - `problem`: something does not work and needs a fix.
 * - `warning`: it works, but possibly only for now, for some users, or not as intended.
 * - `notTried`: the check was not possible; the message gives the reason.
 */
export type Outcome = 'ok' | 'warning' | 'problem' | 'notTried';

/** Result of a check. */
export interface Finding {
  /** Name of the check in PascalCase, stable across versions. */
  check: string;
  /** Subject of the check. Findings of the same subject are printed together. */
  about: string;
  outcome: Outcome;
  /** Observation in one line. */
  message: string;
  /** Next steps, such as a command, a rule or a flag. Each may have several lines. */
  advice: readonly string[];
}

/** Creates the findings of one check. */
export class Check {
  readonly #check: string;
  readonly #about: string;

  constructor(check: string, about: string) {
    this.#check = check;
    this.#about = about;
  }

  ok(message: string): Finding {
    return this.#finding('ok', message, []);
  }

  warning(message: string, ...advice: string[]): Finding {
    return this.#finding('warning', message, advice);
  }

  problem(message: string, ...advice: string[]): Finding {
    return this.#finding('problem', message, advice);
  }

  notTried(reason: string): Finding {
    return this.#finding('notTried', reason, []);
  }

  /** Creates a problem from a message that has the observation before its first semicolon and the advice after it. */
  problemFrom(text: string, ...advice: string[]): Finding {
    const [message, ...rest] = text.split(/;\s+/);
    return this.#finding('problem', message ?? text, rest.length > 0 ? [rest.join('; '), ...advice] : advice);
  }

  #finding(outcome: Outcome, message: string, advice: readonly string[]): Finding {
    return { check: this.#check, about: this.#about, outcome, message, advice };
  }
}

/** Counts findings by outcome. */
export function countOutcomes(findings: readonly Finding[]): Record<Outcome, number> {
  const counts = { ok: 0, warning: 0, problem: 0, notTried: 0 };
  for (const { outcome } of findings) counts[outcome] += 1;
  return counts;
}
