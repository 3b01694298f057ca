import { isServiceError } from '@kplug/protocol';
import type { CallAttempts } from '../../clients/call-observer.ts';
import type { PluginCaller } from '../../clients/caller.ts';
import { isConnectionError } from '../../clients/grpc-error.ts';
import { CallInterrupted } from '../../clients/interruption.ts';
import type { FinalizeCause, PluginAnswer, PluginCall } from '../../clients/plugin-call.ts';
import { KplugError, type KplugErrorCode } from '../../errors.ts';
import { CallSlots } from '../../queue/call-slots.ts';
import type { Implementation } from '../../registry/implementation.ts';
import { keyOf, type ResourceKey } from '../../resources/resource.ts';
import type { DelegationObserver } from '../../telemetry/observer.ts';
import type { PassSteps } from '../../telemetry/pass-steps.ts';
import type { Breakers, PluginMethod } from '../breakers/breakers.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import { failureOf } from './attempt.ts';
import { finalizeLane, reconcileLane } from './lane-finder.ts';
import type { SlowResources } from './slow-resources.ts';

/** Dependencies of the caller of a delegation. */
export interface DelegationCallerOptions {
  settings: DelegationSettings;
  caller: PluginCaller;
  breakers: Breakers;
  slow: SlowResources;
  observer: Pick<DelegationObserver, 'answerFailed'>;
  /** Counts the pass over a resource to another lane. */
  enter: (key: ResourceKey, lane: string) => void;
}

/** Calls plugins for one delegation, so that one that hangs doesn't harm others: in lanes, and with circuit breakers. */
export class DelegationCaller {
  readonly #options: DelegationCallerOptions;
  readonly #slots = new CallSlots();
  /** Errors of calls, which are observed as such. */
  readonly #ofCalls = new WeakSet<KplugError>();

  constructor(options: DelegationCallerOptions) {
    this.#options = options;
  }

  /** Calls `Reconcile`. Rejects as `PluginCaller` does, or with `PluginSuspended`. */
  async reconcile(implementation: Implementation, call: PluginCall, steps: PassSteps): Promise<PluginAnswer> {
    const { caller, settings, slow, enter } = this.#options;
    const key = keyOf(call.base);
    const make = () => caller.reconcile(implementation, call, settings.deadline, attemptsIn(steps));
    if (settings.rules.mode === 'one') {
      enter(key, slow.laneFor(key, reconcileLane(implementation)));
      return this.#guard(implementation, 'Reconcile', key, make);
    }
    // The passes of one lane call several plugins, so that each plugin has a limit of its own.
    using _ = await this.#slots.take(reconcileLane(implementation), settings.concurrency);
    return await this.#guard(implementation, 'Reconcile', key, make);
  }

  /** Calls `Finalize`. Rejects as `reconcile` does. */
  finalize(
    implementation: Implementation,
    call: PluginCall,
    cause: FinalizeCause,
    steps: PassSteps,
  ): Promise<PluginAnswer> {
    const { caller, settings, slow, enter } = this.#options;
    const key = keyOf(call.base);
    enter(key, slow.laneFor(key, finalizeLane(implementation)));
    return this.#guard(implementation, 'Finalize', key, () =>
      caller.finalize(implementation, call, cause, settings.deadline, attemptsIn(steps)),
    );
  }

  /** Notes that a call failed after its answer, as the answer is refused. An error of the call itself is noted already. */
  refused({ plugin }: Implementation, error: KplugError): void {
    if (!this.#ofCalls.has(error) && refusals.has(error.code))
      this.#options.observer.answerFailed(plugin.text, error.code, error.message);
  }

  #noteAnswer(implementation: Implementation, answer: PluginAnswer): void {
    if (answer.outcome === 'success' || answer.progress) return;
    const { reason, message } = failureOf({ implementation, answer });
    this.#options.observer.answerFailed(implementation.plugin.text, reason, message);
  }

  async #guard(
    implementation: Implementation,
    method: PluginMethod,
    key: ResourceKey,
    make: () => Promise<PluginAnswer>,
  ): Promise<PluginAnswer> {
    const { settings, breakers, slow } = this.#options;
    if (!breakers.admit(implementation, method, key)) throw suspended(breakers.describe(implementation, method));
    const startedAt = performance.now();
    try {
      const answer = await make();
      slow.delete(key);
      breakers.answered(implementation, method);
      this.#noteAnswer(implementation, answer);
      return answer;
    } catch (error) {
      if (error instanceof KplugError) this.#ofCalls.add(error);
      // A plugin may answer with this status, too, before the deadline.
      const isLate = performance.now() - startedAt >= settings.deadline * 0.9;
      if (isTimeout(error) && isLate) {
        slow.add(key);
        breakers.timedOut(implementation, method, key);
      } else if (isAnswer(error)) {
        slow.delete(key);
        breakers.answered(implementation, method);
      }
      throw error;
    }
  }
}

/** Codes of errors by which answers are refused. */
const refusals: ReadonlySet<KplugErrorCode> = new Set([
  'InvalidResponse',
  'DependentForbidden',
  'RequirementForbidden',
  'RequirementsTooLarge',
  'RequirementsUnstable',
]);

/** Makes each attempt at an instance a step of a pass. */
function attemptsIn(steps: PassSteps): CallAttempts | undefined {
  if (!steps.isObserved) return undefined;
  return { run: (attempt, make) => steps.run({ kind: 'call', ...attempt }, make) };
}

/** Makes the error of a call that isn't made because the plugin is suspended. */
export function suspended(message = 'the plugin is suspended'): KplugError {
  return new KplugError('PluginSuspended', message);
}

function isTimeout(error: unknown): boolean {
  return error instanceof KplugError && error.code === 'DeadlineExceeded';
}

/** Reports whether a call failed with an answer of the plugin, not because its connection broke or the controller stops. */
function isAnswer(error: unknown): boolean {
  if (!(error instanceof KplugError) || error instanceof CallInterrupted) return false;
  if (error.code === 'PluginUnavailable' || error.code === 'Stopped') return false;
  const { cause } = error;
  return !isServiceError(cause) || !isConnectionError(cause);
}
