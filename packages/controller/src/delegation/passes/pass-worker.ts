import { KplugError } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { formatPlugin } from '../../names.ts';
import type { WorkOutcome, WorkQueue } from '../../queue/work-queue.ts';
import { findCondition } from '../../resources/conditions.ts';
import { cutText } from '../../resources/cut-text.ts';
import { keyOf, type Resource, type ResourceKey } from '../../resources/resource.ts';
import { describeError } from '../../telemetry/describe-error.ts';
import type { DelegationObserver } from '../../telemetry/observer.ts';
import type { PassEnd } from '../../telemetry/pass-record.ts';
import { type PassSteps, unobserved } from '../../telemetry/pass-steps.ts';
import type { Passes } from '../../telemetry/passes.ts';
import type { Bases } from '../bases/bases.ts';
import type { Breakers } from '../breakers/breakers.ts';
import type { HeldAnswers } from '../calls/held-answers.ts';
import type { KeptAnswers } from '../calls/kept-answers.ts';
import type { ChoiceMonitor } from '../choices/choice-monitor.ts';
import type { Releases } from '../releases/releases.ts';
import type { PassRequests } from '../requests/pass-requests.ts';
import type { WriteFailureReporter } from '../writes/write-failure-reporter.ts';
import type { WriteFailures } from '../writes/write-failures.ts';
import type { PassContext, PassOutcome, PassResult } from './pass-context.ts';
import { runPass } from './run-pass.ts';

const { maxPassTextLength } = limits.telemetry;

/** Dependencies of a pass worker. */
export interface PassWorkerOptions {
  context: PassContext;
  queue: Pick<WorkQueue<ResourceKey>, 'failures'>;
  requests: PassRequests;
  bases: Bases;
  breakers: Breakers;
  kept: KeptAnswers;
  held: HeldAnswers;
  writeFailures: WriteFailures;
  failureReporter: WriteFailureReporter;
  releases: Releases;
  monitor: ChoiceMonitor;
  observer: DelegationObserver;
  /** Makes the passes, so that they are observed. */
  passes: Passes;
  /** Stops waiting for plugins and extensions on behalf of a resource that is paused. */
  suspend: (key: ResourceKey) => void;
  /** Called after each pass over a resource that an attached plugin was chosen for, with the outcome in a sentence. */
  onPass: (base: Resource, outcome: string) => void;
  /** Forgets a resource that is no longer delegated. */
  forget: (key: ResourceKey) => void;
}

/** Does the work of the queue: runs a pass over a resource, records its outcome, and returns when the next pass is due. */
export class PassWorker {
  readonly #options: PassWorkerOptions;

  constructor(options: PassWorkerOptions) {
    this.#options = options;
  }

  /** @param waited time in the queue, in milliseconds. */
  async work(key: ResourceKey, waited: number): Promise<WorkOutcome> {
    const { requests, breakers, observer, context } = this.#options;
    const startedAt = performance.now();
    requests.started(key);
    breakers.started(key);
    const { outcome, traceId } = await this.#reconcile(key, waited);
    breakers.passed(key);
    observer.worked(context.settings.name, waited, performance.now() - startedAt, traceId);
    return outcome;
  }

  async #reconcile(key: ResourceKey, waited: number): Promise<{ outcome: WorkOutcome; traceId?: string | undefined }> {
    const { context, writeFailures, passes } = this.#options;
    const before = context.resources.get(key);
    if (!before) return { outcome: this.#conclude(key, await this.#runPass(key, unobserved)) };
    const isHeld = !before.metadata.deletionTimestamp && !writeFailures.admit(key);
    if (isHeld) return { outcome: { next: 'done' } };
    const attempt = this.#attempt(key);
    const subject = { delegation: context.settings.name, base: before, attempt, waited };
    const { made, traceId } = await passes.run(
      subject,
      (steps) => this.#runPass(key, steps),
      (outcome) => describeEnd(context.resources.get(key), outcome),
    );
    return { outcome: this.#conclude(key, made), traceId };
  }

  /** Records a pass and returns what is due next. Nothing is recorded when the controller is stopping. */
  #conclude(key: ResourceKey, outcome: PassOutcome): WorkOutcome {
    const { context } = this.#options;
    if (isStopping(outcome)) return { next: 'done' };
    this.#recordWrites(key, outcome);
    const base = context.resources.get(key);
    if (!base) return { next: 'done' };
    this.#recordChoice(base, outcome);
    if (outcome.chosen.some(({ attachment }) => attachment !== undefined))
      this.#options.onPass(base, describe(base, outcome));
    return this.#nextWork(key, outcome.result);
  }

  async #runPass(key: ResourceKey, steps: PassSteps): Promise<PassOutcome> {
    const { context, kept, held, writeFailures } = this.#options;
    const outcome = await runPass(context, key, {
      attempt: this.#attempt(key),
      kept: kept.of(key),
      held: held.of(key),
      hasFailedWrite: writeFailures.hasFailed(key),
      steps,
    });
    if (outcome.result.next === 'retry') kept.endPass(key);
    else kept.drop(key);
    held.endPass(key);
    return outcome;
  }

  /** Number of consecutive failures, plus one. */
  #attempt(key: ResourceKey): number {
    return this.#options.queue.failures(key) + 1;
  }

  #recordWrites(key: ResourceKey, outcome: PassOutcome): void {
    const { result, chosen, error } = outcome;
    const { context, observer, writeFailures, failureReporter } = this.#options;
    const { name } = context.settings;
    const { next } = result;
    observer.passed(
      name,
      next,
      hasFailed(outcome),
      chosen.map(({ plugin }) => plugin.text),
    );
    const failure = failureOf(result);
    if (failure !== undefined) observer.failed(name, failure);
    if (error !== undefined) failureReporter.report(key, error);
    else if (next === 'paused') writeFailures.forget(key);
    else if (next !== 'stale' && next !== 'done') writeFailures.succeeded(key);
  }

  #recordChoice(base: Resource, outcome: PassOutcome): void {
    const { bases, releases, writeFailures, monitor, suspend, forget } = this.#options;
    const key = keyOf(base);
    const isDone = outcome.result.next === 'done';
    if (isDone) {
      releases.complete(key);
      writeFailures.forget(key);
    }
    if (outcome.result.next === 'paused') suspend(key);
    else if (isDone && !bases.concerns(base)) forget(key);
    else monitor.record(base, outcome);
  }

  #nextWork(key: ResourceKey, result: PassResult): WorkOutcome {
    const { context, requests } = this.#options;
    switch (result.next) {
      case 'done':
      case 'retry':
        return result;
      case 'paused':
        return { next: 'done' };
      case 'stale':
      case 'again':
        return { next: 'again', after: requests.repeat(key) };
      case 'settled':
      case 'waiting':
        return { next: 'again', after: result.after ?? spread(context.settings.resync) };
    }
  }
}

/** Reports whether a pass was ended as the controller is stopping. */
function isStopping({ error }: PassOutcome): boolean {
  return error instanceof KplugError && (error.code === 'Stopped' || error.code === 'LeadershipLost');
}

/** Reports whether a pass failed, by an error or by what a plugin reports. */
function hasFailed({ result, error }: PassOutcome): boolean {
  return error !== undefined || result.next === 'retry' || failureOf(result) !== undefined;
}

/** Returns the reason of a failure without an error, in one word; `undefined` without one. */
function failureOf(result: PassResult): string | undefined {
  return 'failure' in result ? result.failure : undefined;
}

/** Describes the end of a pass. @param base resource after the pass; `undefined` when it is gone. */
function describeEnd(base: Resource | undefined, outcome: PassOutcome): PassEnd {
  const { result, chosen, error } = outcome;
  const { code, message } = error === undefined ? { code: '', message: '' } : describeError(error);
  const ready = findCondition(base?.status, 'Ready');
  return {
    result: isStopping(outcome) ? 'stopped' : result.next,
    failed: hasFailed(outcome),
    ready: code ? 'False' : ready?.status,
    reason: code || (ready?.reason ?? ''),
    message: code ? message : cutText(ready?.message ?? '', maxPassTextLength),
    plugins: chosen.map(formatPlugin),
    ...(error !== undefined && { error }),
  };
}

/** Describes the outcome of a pass in a sentence. */
function describe(base: Resource, { result }: PassOutcome): string {
  const ready = findCondition(base.status, 'Ready');
  if (!ready) return result.next;
  return ready.status === 'True' ? 'reconciled, ready' : `${ready.reason}: ${ready.message}`;
}

/** Spreads resyncs by a tenth, in steps that let timers share their lists, so that resources don't stay together. */
function spread(resync: number): number {
  const step = Math.round(Math.random() * 100) / 100;
  return resync * (0.9 + step / 5);
}
