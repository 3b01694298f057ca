import type { KplugError } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import { cutText } from '../resources/cut-text.ts';
import { describeKey } from '../resources/resource.ts';
import { describeError } from './describe-error.ts';
import type { PassStep } from './pass-record.ts';
import type { SpanOfPass, SpanOfStep } from './pass-span.ts';
import type { PassSteps, Step, StepSubject } from './pass-steps.ts';

const { maxPassSteps, maxPassTextLength } = limits.telemetry;

/** Steps of a pass that are recorded, traced, or both. */
export class ObservedPass implements PassSteps {
  readonly isObserved = true;
  readonly startedAt = performance.now();
  readonly steps: PassStep[] = [];
  readonly #span: SpanOfPass | undefined;
  readonly #isRecorded: boolean;
  #count = 0;

  /**
   * @param span trace of the pass.
   * @param isRecorded true if `steps` is wanted.
   */
  constructor(span: SpanOfPass | undefined, isRecorded: boolean) {
    this.#span = span;
    this.#isRecorded = isRecorded;
  }

  /** Number of steps that exceed the limit, and are not recorded. */
  get omitted(): number {
    return this.#count - this.steps.length;
  }

  run<T>(subject: StepSubject, make: (step: Step) => T): T {
    const span = this.#span?.begin(subject);
    const step = new ObservedStep(subject, span);
    let made: T;
    try {
      made = span ? span.run(() => make(step)) : make(step);
    } catch (error) {
      this.#end(step, error);
      throw error;
    }
    if (!(made instanceof Promise)) {
      this.#end(step);
      return made;
    }
    return made.then(
      (value: unknown) => {
        this.#end(step);
        return value;
      },
      (error: unknown) => {
        this.#end(step, error);
        throw error;
      },
    ) as T;
  }

  #end(step: ObservedStep, thrown?: unknown): void {
    const error = step.error ?? thrown;
    step.span?.end(step.outcome, error);
    if (!this.#isRecorded) return;
    this.#count++;
    if (this.steps.length < maxPassSteps) this.steps.push(step.toRecord(this.startedAt, error));
  }
}

class ObservedStep implements Step {
  readonly #subject: StepSubject;
  readonly span: SpanOfStep | undefined;
  readonly #startedAt = performance.now();
  outcome = '';
  error: KplugError | undefined;

  constructor(subject: StepSubject, span: SpanOfStep | undefined) {
    this.#subject = subject;
    this.span = span;
  }

  get trace() {
    return this.span?.context;
  }

  get isTraced(): boolean {
    return this.span?.isRecorded ?? false;
  }

  ended(outcome: string | (() => string), error?: KplugError): void {
    this.error = error;
    this.outcome = cutText(typeof outcome === 'string' ? outcome : outcome(), maxPassTextLength);
  }

  toRecord(passStartedAt: number, error: unknown): PassStep {
    return {
      kind: this.#subject.kind,
      target: cutText(targetOf(this.#subject), maxPassTextLength),
      offset: this.#startedAt - passStartedAt,
      took: performance.now() - this.#startedAt,
      outcome: this.outcome,
      ...(error !== undefined && { error: describeError(error) }),
    };
  }
}

const writeTexts = {
  status: 'status of',
  'add-finalizer': 'finalizer of',
  'remove-finalizer': 'removal of the finalizer of',
  apply: '',
  delete: 'deletion of',
  release: 'release of',
};

function targetOf(subject: StepSubject): string {
  switch (subject.kind) {
    case 'call':
      return `${subject.method} of ${subject.plugin} ${subject.version} at ${subject.address}`;
    case 'write':
      return `${writeTexts[subject.verb]} ${describeKey(subject.target)}`.trim();
    default:
      return '';
  }
}
