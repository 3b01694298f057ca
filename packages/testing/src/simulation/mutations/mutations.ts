/** Fault that is put back into the controller, to prove that the simulation finds it. */
export interface Mutation {
  name: string;
  /** The fault, in a sentence. */
  sentence: string;
  /** File in `packages/controller/src`. */
  file: string;
  /** Text of the file that is replaced. It must occur once. */
  find: string;
  replace: string;
  /** Invariants of which one finds it. */
  caughtBy: readonly string[];
}

/** Faults of the kinds that users have met. */
export const mutations: readonly Mutation[] = [
  {
    name: 'no-back-off',
    sentence: 'A failed pass is retried at once, as the queue forgets the back-off.',
    file: 'queue/back-off.ts',
    find: 'return backOffDelay(failures, this.#options, this.#random);',
    replace: 'return 0 * backOffDelay(failures, this.#options, this.#random);',
    caughtBy: ['calls-have-causes', 'loops-pause'],
  },
  {
    name: 'no-kept-answers',
    sentence: 'The retry of a failed write calls the plugin again, as its answer is not kept.',
    file: 'delegation/calls/kept-answers.ts',
    find: 'return isOfChosen && isSameInput(former, gathered) ? attempts : undefined;',
    replace: 'return isOfChosen && isSameInput(former, gathered) && maxAge < 0 ? attempts : undefined;',
    caughtBy: ['calls-have-causes'],
  },
  {
    name: 'two-at-once',
    sentence: 'A resource that is added during its work is worked on a second time concurrently.',
    file: 'queue/work-queue.ts',
    find: 'this.#working.has(key)',
    replace: 'false',
    caughtBy: ['one-call-at-a-time', 'calls-have-causes'],
  },
  {
    name: 'stale-answers-count',
    sentence: 'An answer counts although the resource has changed during the call.',
    file: 'delegation/passes/run-pass.ts',
    find: 'if (isStale(pass, choice)) {',
    replace: 'if (isStale(pass, choice) && choice.revision < 0) {',
    caughtBy: ['answers-are-current', 'statuses-are-true', 'finalizer-goes-last', 'changes-are-acted-upon'],
  },
  {
    name: 'finalizer-goes-first',
    sentence: 'The finalizer is removed although the plugin has not finalized the resource.',
    file: 'delegation/passes/finalize.ts',
    find: "if (answer.outcome === 'success') return { outcome: 'finalized' };",
    replace: "if (answer.outcome !== 'terminal') return { outcome: 'finalized' };",
    caughtBy: ['finalizer-goes-last'],
  },
  {
    name: 'failed-writes-are-forgotten',
    sentence: 'A pass whose write failed counts as successful and is not retried.',
    file: 'delegation/passes/pass-worker.ts',
    find: "if (isStopping(outcome)) return { next: 'done' };",
    replace:
      "if (isStopping(outcome)) return { next: 'done' }; if (outcome.error !== undefined) outcome = { ...outcome, error: undefined, result: { next: 'settled' } };",
    caughtBy: ['changes-are-acted-upon', 'deleted-resources-vanish'],
  },
  {
    name: 'plugins-come-unnoticed',
    sentence: 'Resources that wait for a plugin are not requeued when it comes.',
    file: 'delegation/choices/choice-monitor.ts',
    find: 'this.#unsubscribe = registry.subscribe(',
    replace: 'this.#unsubscribe = ((listener: unknown) => () => void listener)(',
    caughtBy: ['changes-are-acted-upon', 'deleted-resources-vanish'],
  },
  {
    name: 'rules-exclude-the-holder',
    sentence:
      'A resource is not finalized when the range of the API is raised, although the plugin that holds it runs.',
    file: 'delegation/holders/holder.ts',
    find: 'const compatible = registered.filter((one) => isCompatible(one, holder, settings));',
    replace: 'const compatible = registered.filter((one) => !one && isCompatible(one, holder, settings));',
    caughtBy: ['deleted-resources-vanish'],
  },
  {
    name: 'requeue-without-bound',
    sentence: 'A plugin that requests the next call immediately is called without a pause.',
    file: 'delegation/passes/report.ts',
    find: 'return Math.max(delay, this.#context.settings.minRequeueInterval);',
    replace: 'return Math.min(delay, this.#context.settings.minRequeueInterval);',
    caughtBy: ['calls-have-causes'],
  },
  {
    name: 'changes-go-unnoticed',
    sentence: 'A change of the spec does not requeue its resource.',
    file: 'delegation/classify-change.ts',
    find: 'now.generation !== before.generation ||',
    replace: '',
    caughtBy: ['changes-are-acted-upon'],
  },
];
