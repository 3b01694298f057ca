/**
 * How a check came out.
 *
 * - `problem`: something doesn't work, and won't by itself.
 * - `warning`: it works, but not for long, not for everybody, or not as was probably meant.
 * - `notTried`: nobody could say; the message has the reason.
 */
export type Outcome = 'ok' | 'warning' | 'problem' | 'notTried';

/** What a check found. */
export interface Finding {
  /** What was checked, for programs; a PascalCase word that stays as it is. */
  check: string;
  /** What it is about, for people: findings about the same stand together. */
  about: string;
  outcome: Outcome;
  /** What was found, in one line. */
  message: string;
  /** What to do next: a command, a rule, a flag. Each may have several lines. */
  advice: readonly string[];
}

/** Makes the findings of one check. */
export class Check {
  readonly #check: string;
  readonly #about: string;

  constructor(check: string, about: string) {
    this.#check = check;
    this.#about = about;
  }

  ok(message: string): Finding {
    return this.#find('ok', message, []);
  }

  warning(message: string, ...advice: string[]): Finding {
    return this.#find('warning', message, advice);
  }

  problem(message: string, ...advice: string[]): Finding {
    return this.#find('problem', message, advice);
  }

  notTried(why: string): Finding {
    return this.#find('notTried', why, []);
  }

  /** A problem that something else has put in words: what happened, and behind the first semicolon what to do. */
  told(text: string, ...advice: string[]): Finding {
    const [message, ...rest] = text.split(/;\s+/);
    return this.#find('problem', message ?? text, rest.length > 0 ? [rest.join('; '), ...advice] : advice);
  }

  #find(outcome: Outcome, message: string, advice: readonly string[]): Finding {
    return { check: this.#check, about: this.#about, outcome, message, advice };
  }
}

/** How many findings came out how. */
export function countOutcomes(findings: readonly Finding[]): Record<Outcome, number> {
  const counts = { ok: 0, warning: 0, problem: 0, notTried: 0 };
  for (const { outcome } of findings) counts[outcome] += 1;
  return counts;
}
