import type { AssignedCapability, PluginEvent } from '../../clients/plugin-call.ts';
import { KplugError } from '../../errors.ts';
import { formatPlugin, type VersionedName } from '../../names.ts';
import { type ConditionContent, findCondition } from '../../resources/conditions.ts';
import { keyOf, type ResourceKey } from '../../resources/resource.ts';
import type { PresentChoice } from '../../selection/candidate.ts';
import type { Attempt, Failure } from '../calls/attempt.ts';
import type { Validity } from '../calls/held-answers.ts';
import type { Choice } from '../choices/choose.ts';
import { findPausedFault } from '../control-annotations.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import type { AppliedDependents, RemainingDependents } from '../dependents/applied-dependents.ts';
import type { Unready } from '../dependents/summarize.ts';
import { type Gathered, ignoredReferences } from '../extensions/gather.ts';
import { operationsField, writeOperations } from '../operations/operation.ts';
import { extensionsCondition, finalizingConditions, progressConditions, selectedCondition } from './conditions.ts';
import type { PassContext, PassResult } from './pass-context.ts';
import { composeStatus, type PluginStatement, reservedFieldsOf } from './status.ts';
import { writeStatus } from './write-status.ts';

/** Calls of a pass, and the dependents that were applied for them. */
export interface Applied extends Omit<AppliedDependents, 'failure'> {
  attempts: readonly Attempt[];
}

/** Outcome that a status has besides its conditions. */
interface Outcome {
  /** Missing when no plugin was called. */
  applied?: (Pick<Applied, 'dependents'> & Partial<Applied>) | undefined;
  /** Plugins that have finalized the resource. */
  finalized?: readonly PresentChoice[];
  /** Capability that the calls were for, if they were successful. */
  provided?: AssignedCapability | undefined;
}

/** Writes the outcome of one pass: statuses, conditions and Events. */
export class Reporter {
  readonly #context: PassContext;
  readonly #gathered: Gathered;
  #hasFailed = false;
  #hasRecordedPause = false;

  constructor(context: PassContext, gathered: Gathered) {
    this.#context = context;
    this.#gathered = gathered;
  }

  /** True if a status of the base could not be written. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Reports that no plugin was called, because something has to change first. */
  async waiting(choice: Choice, { reason, message }: { reason: string; message: string }): Promise<PassResult> {
    const { base } = this.#gathered;
    const { generation } = base.metadata;
    const isReconciled = findCondition(base.status, 'Reconciled')?.observedGeneration === generation;
    const unknown: ConditionContent = {
      type: 'Reconciled',
      status: 'Unknown',
      reason,
      message: `no plugin has been called for generation ${generation}`,
    };
    await this.#write([
      ...this.#generalConditions(choice),
      ...(isReconciled ? [] : [unknown]),
      { type: 'Ready', status: 'False', reason, message },
    ]);
    this.#recordChange('Warning', reason, message);
    return { next: 'waiting' };
  }

  /** Reports a failure. `applied` is missing when no plugin was called. */
  async failed(choice: Choice, failure: Failure, applied?: Applied): Promise<PassResult> {
    const { reason, message } = failure;
    await this.#write(this.#failureConditions(choice, failure), { applied });
    this.#context.events.record(this.#key, { type: 'Warning', reason, message });
    return failure.terminal ? { next: 'waiting', failure: reason } : this.#resultOf(failure);
  }

  /**
   * Reports that plugins have operations in progress, and nothing failed. A dependent that failed is reported instead.
   *
   * @param applied `undefined` when no plugin was called, as the former one has yet to finalize the resource.
   */
  async progressing(choice: Choice, progress: Failure, applied?: Applied): Promise<PassResult> {
    const { unready, attempts = [] } = applied ?? {};
    const failed = unready && unready.reason !== 'DependentsNotReady' ? unready : undefined;
    const conditions = progressConditions(progress, attempts, failed);
    await this.#write([...this.#generalConditions(choice), ...conditions], { applied });
    this.recordAnswers(attempts);
    if (failed) this.#recordChange('Warning', failed.reason, failed.message);
    else this.#context.progressEvents.record(this.#key, progress.message);
    return this.#settledWithin([progress.retryAfter, unready?.after]);
  }

  /** Writes the operations in progress to the status, although the rest of the answers was discarded. */
  async recordOperations(): Promise<void> {
    const { resources, operations } = this.#context;
    const base = resources.get(this.#key);
    if (base?.metadata.uid !== this.#gathered.base.metadata.uid) return;
    const listed = writeOperations(operations.of(base));
    await writeStatus(this.#context, base, { ...base.status, [operationsField]: listed });
  }

  /**
   * Reports a write that failed, if at least that can be written.
   *
   * @param choice `undefined` while the resource is finalized.
   */
  async refused({ code, message }: KplugError, choice?: Choice): Promise<void> {
    const failure = { reason: code, message };
    try {
      await this.#write(choice ? this.#failureConditions(choice, failure) : finalizingConditions(failure));
    } catch (error) {
      // Often the schema has no conditions either. The caller reports the first error.
      if (!(error instanceof KplugError)) throw error;
      this.#context.log.debug(
        { err: error, resource: this.#key },
        "the status can't be written without the answer either",
      );
    }
  }

  /** Reports that every call was successful. The resource is ready unless its dependents aren't. */
  async succeeded(choice: Choice, applied: Applied): Promise<PassResult> {
    const { attempts, unready } = applied;
    const { done, ready } = this.#describeSuccess(attempts.map(({ implementation }) => implementation));
    const texts = attempts.flatMap(({ answer }) => answer?.messages ?? []).map(({ text }) => text);
    const conditions: ConditionContent[] = [
      ...this.#generalConditions(choice),
      { type: 'Reconciled', status: 'True', reason: 'Succeeded', message: [done, ...texts].join('; ') },
      unready
        ? { type: 'Ready', status: 'False', reason: unready.reason, message: unready.message }
        : { type: 'Ready', status: 'True', reason: 'Ready', message: ready },
    ];
    const provided = attempts.find(({ capability }) => capability)?.capability;
    await this.#write(conditions, { applied, provided });
    this.#recordIgnored();
    this.recordAnswers(attempts);
    this.#recordReadiness(ready, unready);
    return this.#settledWithin([...attempts.map(({ answer }) => answer?.requeueAfter), unready?.after]);
  }

  /** Reports that the resource is ready without a call, as the last answers hold. They are in its status. */
  async held(choice: Choice, implementations: readonly VersionedName[], { requeueAt }: Validity): Promise<PassResult> {
    const { ready } = this.#describeSuccess(implementations);
    await this.#write([
      ...this.#generalConditions(choice),
      { type: 'Ready', status: 'True', reason: 'Ready', message: ready },
    ]);
    this.#recordIgnored();
    this.#recordReadiness(ready, undefined);
    return { next: 'settled', ...(requeueAt !== undefined && { after: Math.max(requeueAt - performance.now(), 0) }) };
  }

  /** Reports why the deletion of the resource doesn't proceed. @param finalized plugins that have finalized it. */
  async finalizing(
    failure: Failure,
    result: PassResult = this.#resultOf(failure),
    finalized: readonly PresentChoice[] = [],
  ): Promise<PassResult> {
    const { reason, message, isProgress } = failure;
    if (isProgress) this.#context.progressEvents.record(this.#key, message);
    else this.#context.events.record(this.#key, { type: 'Warning', reason, message });
    await this.#write(finalizingConditions({ reason, message }), { finalized });
    return result;
  }

  /** Reports that dependents of the deleted resource are not gone yet. @param isFinalized true if all plugins have finalized it. */
  async deletingDependents({ applied, message }: RemainingDependents, isFinalized: boolean): Promise<PassResult> {
    const reason = 'DependentsDeleting';
    const done = { status: 'True', reason: 'Finalized', message: 'every plugin has finalized the resource' } as const;
    this.#recordChange('Normal', reason, message);
    await this.#write(finalizingConditions({ reason, message }, isFinalized ? done : undefined), { applied });
    return { next: 'waiting' };
  }

  /** Writes the statuses that plugins returned for extensions, each with the field manager of its plugin. */
  async writeExtensions(attempts: readonly Attempt[]): Promise<void> {
    const { resources } = this.#context;
    const writes = attempts.flatMap(({ implementation, answer }) =>
      [...(answer?.extensionStatuses ?? [])].map(([key, { fields, way }]) => {
        const extension = this.#gathered.extensions.get(key);
        const fieldManager = `kplug/${implementation.plugin}`;
        const options = { uid: extension?.metadata.uid ?? '', fieldManager, merge: way === 'merge' };
        return extension && resources.applyStatus(key, fields, options);
      }),
    );
    await Promise.all(writes);
  }

  /** Records the Events that plugins returned in their answers. */
  recordAnswers(attempts: readonly Attempt[]): void {
    this.recordEvents(attempts.flatMap(({ answer }) => answer?.events ?? []));
  }

  /** Records the Events that a plugin returned. */
  recordEvents(events: readonly PluginEvent[]): void {
    for (const { type, reason, message, target } of events) {
      this.#context.events.record(target ?? this.#key, { type, reason, message });
    }
  }

  /** Describes what plugins did, and the state of the resource. */
  #describeSuccess(implementations: readonly VersionedName[]): { done: string; ready: string } {
    const names = implementations.map(formatPlugin).join(', ');
    const done = `${names} reconciled generation ${this.#gathered.base.metadata.generation}`;
    const ignored = ignoredReferences(this.#gathered.problems).map(({ message }) => message);
    return { done, ready: ignored.length > 0 ? `${done}, without an extension: ${ignored.join('; ')}` : done };
  }

  /** Returns the result of a pass after which the next one is due within the shortest of some delays, if there are any. */
  #settledWithin(delays: readonly (number | undefined)[]): PassResult {
    const requested = delays.filter((delay) => delay !== undefined);
    return { next: 'settled', ...(requested.length > 0 && { after: this.#extend(Math.min(...requested)) }) };
  }

  #resultOf({ reason, terminal, retryAfter, isProgress }: Failure): PassResult {
    if (isProgress) return this.#settledWithin([retryAfter]);
    const after = retryAfter === undefined ? {} : { after: this.#extend(retryAfter) };
    return { next: terminal ? 'waiting' : 'retry', failure: reason, ...after };
  }

  /** Extends a delay that a plugin requests to the shortest allowed one. */
  #extend(delay: number): number {
    return Math.max(delay, this.#context.settings.minRequeueInterval);
  }

  get #key(): ResourceKey {
    return keyOf(this.#gathered.base);
  }

  #failureConditions(choice: Choice, { reason, message }: Pick<Failure, 'reason' | 'message'>): ConditionContent[] {
    const content = { status: 'False', reason, message } as const;
    return [...this.#generalConditions(choice), { type: 'Reconciled', ...content }, { type: 'Ready', ...content }];
  }

  #generalConditions(choice: Choice): ConditionContent[] {
    return [selectedCondition(choice), extensionsCondition(this.#gathered.problems)];
  }

  /** Records an Event for references that are ignored, when that begins. */
  #recordIgnored(): void {
    const { base, problems } = this.#gathered;
    const former = findCondition(base.status, 'Ready')?.message ?? '';
    for (const { reason, message } of ignoredReferences(problems)) {
      if (!former.includes(message)) this.#context.events.record(this.#key, { type: 'Warning', reason, message });
    }
  }

  /** Records an Event when the resource becomes ready, or is not. The progress of its dependents is in the status only. */
  #recordReadiness(message: string, unready: Unready | undefined): void {
    if (!unready) {
      this.#recordChange('Normal', 'Ready', message);
    } else if (unready.isBrief) {
      return;
    } else if (unready.reason !== 'DependentsNotReady') {
      this.#recordChange('Warning', unready.reason, unready.message);
    } else if (findCondition(this.#gathered.base.status, 'Ready')?.reason !== unready.reason) {
      this.#recordChange('Normal', unready.reason, unready.message);
    }
  }

  /** Records an Event for a lasting state only when the state begins, not at each pass. */
  #recordChange(type: 'Normal' | 'Warning', reason: string, message: string): void {
    const ready = findCondition(this.#gathered.base.status, 'Ready');
    // The message about a suspended plugin has the time of the next probe.
    if (ready?.reason === reason && (ready.message === message || reason === 'PluginSuspended')) return;
    this.#context.events.record(this.#key, { type, reason, message });
  }

  async #write(
    conditions: readonly ConditionContent[],
    { applied, finalized = [], provided }: Outcome = {},
  ): Promise<void> {
    const { settings, resources, holders, operations } = this.#context;
    const { metadata } = this.#gathered.base;
    const capability = provided && { category: provided.category, type: provided.type, version: provided.version };
    const statements = applied?.attempts?.map((attempt) => statementOf(settings, attempt));
    // The finalizer and the extensions' statuses may have been written since, but the metadata of the pass counts.
    const base = resources.get(this.#key) ?? this.#gathered.base;
    const status = composeStatus(
      { ...base, metadata },
      {
        conditions: [...conditions, ...this.#pausedConditions()],
        statements,
        finalized,
        applied,
        capability,
        operations: writeOperations(operations.of(this.#gathered.base)),
        mode: settings.rules.mode,
      },
    );
    try {
      await writeStatus(this.#context, this.#gathered.base, status);
      operations.written(resources.get(this.#key) ?? this.#gathered.base);
    } catch (error) {
      this.#hasFailed = true;
      throw error;
    }
    this.#recordPauseEnd();
    for (const statement of statements ?? []) this.#warnOfReservedFields(statement);
    if (statements) holders.clear(this.#key);
  }

  /** Returns the condition that reports an invalid value of the annotation for pausing, if it has one. */
  #pausedConditions(): ConditionContent[] {
    const message = findPausedFault(this.#gathered.base);
    return message === undefined ? [] : [{ type: 'Paused', status: 'False', reason: 'InvalidAnnotation', message }];
  }

  /** Records Events when the resource is no longer paused, and when pausing it failed. */
  #recordPauseEnd(): void {
    const { base } = this.#gathered;
    if (this.#hasRecordedPause) return;
    this.#hasRecordedPause = true;
    const former = findCondition(base.status, 'Paused');
    const { events } = this.#context;
    if (former?.status === 'True') {
      events.record(this.#key, { type: 'Normal', reason: 'Resumed', message: 'the resource is no longer paused' });
    }
    const message = findPausedFault(base);
    if (message !== undefined && former?.message !== message) {
      events.record(this.#key, { type: 'Warning', reason: 'InvalidAnnotation', message });
    }
  }

  #warnOfReservedFields(statement: PluginStatement): void {
    const reserved = reservedFieldsOf(statement);
    if (reserved.length === 0) return;
    const message = `${formatPlugin(statement.plugin)} returned status fields that the controller manages (${reserved.join(', ')}); they were ignored`;
    this.#context.events.record(this.#key, { type: 'Warning', reason: 'ReservedStatusField', message });
  }
}

function statementOf({ api }: DelegationSettings, { implementation, answer }: Attempt): PluginStatement {
  const { plugin, version } = implementation;
  return {
    plugin: { plugin, version, api, apiVersion: implementation.api.version.version },
    status: answer?.baseStatus,
    conditions: answer?.conditions,
  };
}
