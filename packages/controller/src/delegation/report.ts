import type { PluginEvent } from '../clients/plugin-call.ts';
import { type JsonValue, keyOf } from '../resources/resource.ts';
import type { Attempt, Failure } from './attempt.ts';
import { type ConditionContent, findCondition } from './conditions.ts';
import type { Gathered } from './gather.ts';
import type { PassContext, PassResult } from './pass-context.ts';
import { composeStatus, type PluginStatement, reservedFieldsOf } from './status.ts';

/** Writes what came of a pass: statuses, conditions and events. */
export class Reporter {
  readonly #context: PassContext;
  readonly #gathered: Gathered;

  constructor(context: PassContext, gathered: Gathered) {
    this.#context = context;
    this.#gathered = gathered;
  }

  /** Nothing was called, as something has to change first. */
  async waiting(
    general: readonly ConditionContent[],
    { reason, message }: { reason: string; message: string },
  ): Promise<PassResult> {
    const { base } = this.#gathered;
    const { generation } = base.metadata;
    const reconciled = findCondition(base.status, 'Reconciled');
    const untold = `no plugin was called for generation ${generation} yet`;
    const notYet = { type: 'Reconciled', status: 'Unknown', reason, message: untold } as const;
    const untried = reconciled?.observedGeneration === generation ? [] : [notYet];
    this.#recordChange('Warning', reason, message);
    await this.#write([...general, ...untried, { type: 'Ready', status: 'False', reason, message }], undefined);
    return { next: 'waiting' };
  }

  /** A plugin was called, or should have been, and failed. */
  async failed(
    general: readonly ConditionContent[],
    { reason, message, terminal, retryAfter }: Failure,
    statements: readonly PluginStatement[] | undefined,
    dependents?: JsonValue[],
  ): Promise<PassResult> {
    this.#context.events.record(keyOf(this.#gathered.base), { type: 'Warning', reason, message });
    const content = { status: 'False', reason, message } as const;
    const conditions = [...general, { type: 'Reconciled', ...content }, { type: 'Ready', ...content }];
    await this.#write(conditions, statements, dependents);
    if (terminal) return { next: 'waiting' };
    return retryAfter === undefined ? { next: 'retry' } : { next: 'retry', after: retryAfter };
  }

  /** Every plugin that was called succeeded. */
  async succeeded(
    general: readonly ConditionContent[],
    attempts: readonly Attempt[],
    statements: readonly PluginStatement[],
    dependents: JsonValue[],
  ): Promise<PassResult> {
    const { base } = this.#gathered;
    const who = attempts.map(({ implementation: { plugin, version } }) => `${plugin} ${version}`).join(', ');
    const remarks = attempts.flatMap(({ answer }) => answer?.messages ?? []).map(({ text }) => text);
    const done = `${who} reconciled generation ${base.metadata.generation}`;
    const message = [done, ...remarks].join('; ');
    this.#recordChange('Normal', 'Ready', done);
    await this.#write(
      [
        ...general,
        { type: 'Reconciled', status: 'True', reason: 'Succeeded', message },
        { type: 'Ready', status: 'True', reason: 'Ready', message: done },
      ],
      statements,
      dependents,
    );
    const delays = attempts.flatMap(({ answer }) => answer?.requeueAfter ?? []);
    return delays.length > 0 ? { next: 'settled', after: Math.min(...delays) } : { next: 'settled' };
  }

  /** Deleting the resource goes on, or why it doesn't. */
  async finalizing(
    { reason, message, terminal, retryAfter }: Failure,
    result: PassResult = { next: terminal ? 'waiting' : 'retry' },
  ): Promise<PassResult> {
    this.#context.events.record(keyOf(this.#gathered.base), { type: 'Warning', reason, message });
    const content = { status: 'False', reason, message } as const;
    await this.#write(
      [
        { type: 'Finalized', ...content },
        { type: 'Ready', ...content },
      ],
      undefined,
    );
    return retryAfter === undefined ? result : { ...result, after: retryAfter };
  }

  /** Writes the statuses that plugins returned for extensions, each under its plugin's name. */
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

  /** Records the events that plugins asked for. */
  recordEvents(events: readonly PluginEvent[]): void {
    for (const { type, reason, message, target } of events) {
      this.#context.events.record(target ?? keyOf(this.#gathered.base), { type, reason, message });
    }
  }

  /** An event for a state that lasts is recorded when it begins, not at each pass. */
  #recordChange(type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { base } = this.#gathered;
    const ready = findCondition(base.status, 'Ready');
    if (ready?.reason === reason && ready.message === message) return;
    this.#context.events.record(keyOf(base), { type, reason, message });
  }

  async #write(
    conditions: readonly ConditionContent[],
    statements: readonly PluginStatement[] | undefined,
    dependents?: JsonValue[],
  ): Promise<void> {
    const { settings, resources, events } = this.#context;
    // The finalizer and the extensions' statuses may have been written since; what counts is who the base is.
    const base = resources.get(keyOf(this.#gathered.base)) ?? this.#gathered.base;
    for (const statement of statements ?? []) {
      const reserved = reservedFieldsOf(statement);
      if (reserved.length === 0) continue;
      const { plugin } = statement;
      const message = `${plugin.plugin} ${plugin.version} returned the controller's own fields (${reserved.join(', ')}), which were passed over`;
      events.record(keyOf(base), { type: 'Warning', reason: 'ReservedStatusField', message });
    }
    const status = composeStatus(
      { ...base, metadata: this.#gathered.base.metadata },
      { conditions, statements, dependents, mode: settings.rules.mode },
    );
    const options = { uid: this.#gathered.base.metadata.uid, fieldManager: settings.fieldManager };
    await resources.applyStatus(keyOf(base), status, options);
  }
}
