import { keyOf } from '../resources/resource.ts';
import { ObservedPass } from './observed-pass.ts';
import type { PassEnd, PassObserver, PassRecord } from './pass-record.ts';
import { SpanOfPass } from './pass-span.ts';
import { type PassSteps, unobserved } from './pass-steps.ts';
import type { PassSubject } from './span-attributes.ts';

/** Makes passes so that they are traced, and that an observer receives them. */
export class Passes {
  readonly #observer: PassObserver | undefined;

  /** @param observer receives each pass at its end. Default: none, and passes are only traced, if the process has an OpenTelemetry SDK. */
  constructor(observer?: PassObserver) {
    this.#observer = observer;
  }

  /**
   * Makes a pass.
   *
   * @param make makes it, each step through `steps`. Must not reject.
   * @param describe describes its end, if somebody observes the pass.
   */
  async run<T>(
    subject: PassSubject,
    make: (steps: PassSteps) => Promise<T>,
    describe: (made: T) => PassEnd,
  ): Promise<{ made: T; traceId: string | undefined }> {
    const observer = this.#observer;
    const span = SpanOfPass.begin(subject);
    if (!span && !observer) return { made: await make(unobserved), traceId: undefined };
    const startedAt = Date.now();
    const pass = new ObservedPass(span, observer !== undefined);
    const made = await (span ? span.run(() => make(pass)) : make(pass));
    const traceId = span?.recordedTraceId;
    const end = describe(made);
    span?.end(end);
    observer?.ended(recordOf(subject, startedAt, pass, end, traceId));
    return { made, traceId };
  }
}

function recordOf(
  { delegation, base, attempt, waited }: PassSubject,
  startedAt: number,
  pass: ObservedPass,
  { result, failed, ready, reason, message, plugins }: PassEnd,
  traceId: string | undefined,
): PassRecord {
  return {
    ...{ key: keyOf(base), uid: base.metadata.uid, generation: base.metadata.generation, delegation },
    ...{ attempt, startedAt, waited, took: performance.now() - pass.startedAt },
    ...{ result, failed, ready, reason, message, plugins, steps: pass.steps, omittedSteps: pass.omitted },
    ...(traceId !== undefined && { traceId }),
  };
}
