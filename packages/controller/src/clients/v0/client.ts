// clients/v0/: the client of plugins that speak the first Kplug's protocol.
import type * as grpc from '@grpc/grpc-js';
import { createGrpcClient, type GrpcClient, type UnaryCallOptions, v0 } from '@kplug/protocol';
import { limits } from '../../limits/limits.ts';
import type { Registration } from '../../registry/registration.ts';
import {
  type CallTrace,
  type FinalizeCause,
  type PluginAnswer,
  type PluginCall,
  type PluginEvent,
  plainSuccess,
} from '../plugin-call.ts';
import type { PluginClient, PluginClientOptions } from '../plugin-client.ts';
import { traceMetadata } from '../trace-metadata.ts';
import { creationOf, isCreatedBy } from './creation.ts';
import { ignoredChange } from './ignored-change.ts';
import { isAnswerMissing } from './missing-answer.ts';
import { readStatuses } from './read-statuses.ts';
import { writeResources } from './write-resources.ts';

/** Client of an instance that speaks the v0 protocol. */
export class V0Client implements PluginClient {
  readonly #name: string;
  readonly #plugin: GrpcClient<typeof v0.Plugin>;
  readonly signal: AbortSignal;
  readonly maxMessageSize: number;
  readonly serializesCalls = false;

  constructor(
    { address, target = address, plugin }: Registration,
    { credentials, channel, maxMessageSize, signal }: PluginClientOptions,
  ) {
    this.#name = plugin;
    this.maxMessageSize = maxMessageSize;
    this.signal = signal;
    this.#plugin = createGrpcClient(v0.Plugin, target, credentials, channel);
  }

  get grpcClient(): grpc.Client {
    return this.#plugin.$client;
  }

  /** Does nothing: the protocol has no identification, so that operators that allow v0 plugins trust their addresses. */
  async identify(): Promise<void> {}

  async reconcile(call: PluginCall, deadline: number): Promise<PluginAnswer> {
    const { create, update } = this.#plugin;
    const isUpdate = call.v0.calls === 'createThenUpdate' && isCreatedBy(this.#name, call.base);
    const make = isUpdate ? update : create;
    const response = await make(writeResources(call), this.#options(deadline, call.trace));
    const statuses = await readStatuses(response, call);
    const isUnanswered = isUpdate && statuses.baseStatus === undefined && statuses.extensionStatuses.size === 0;
    const ignored = isUnanswered ? ignoredChange(this.#name, call.base) : undefined;
    if (!ignored) return { ...plainSuccess, ...statuses, conditions: [creationOf(this.#name)] };
    const { isNew, ...warning } = ignored;
    return {
      ...plainSuccess,
      ...statuses,
      messages: [{ severity: 'warning', reason: warning.reason, text: warning.message, target: undefined }],
      conditions: [creationOf(this.#name, warning)],
      events: isNew ? [{ type: 'Warning', ...warning, target: undefined }] : [],
    };
  }

  /** Calls `delete`, whatever the cause. */
  async finalize(call: PluginCall, _cause: FinalizeCause, deadline: number): Promise<PluginAnswer> {
    try {
      await this.#plugin.delete(writeResources(call), this.#options(deadline, call.trace));
      return plainSuccess;
    } catch (error) {
      if (!isAnswerMissing(error)) throw error;
      return { ...plainSuccess, events: [unanswered(this.#name)] };
    }
  }

  #options(deadline: number, trace: CallTrace | undefined): UnaryCallOptions {
    return {
      ...traceMetadata(trace),
      deadline,
      signal: this.signal,
      maxResponseSize: this.maxMessageSize,
      maxResponseFields: limits.calls.maxAnswerFields,
    };
  }
}

function unanswered(plugin: string): PluginEvent {
  const message = `${plugin} ended delete without an error and without a response; the deletion counts as successful`;
  return { type: 'Warning', reason: 'DeletedWithoutAnswer', message, target: undefined };
}
