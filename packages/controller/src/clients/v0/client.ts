import type * as grpc from '@grpc/grpc-js';
import { createGrpcClient, type GrpcClient, v0 } from '@kplug/protocol';
import type { Registration } from '../../registry/registration.ts';
import type { FinalizeCause, PluginAnswer, PluginCall, PluginEvent } from '../plugin-call.ts';
import type { PluginClient, PluginClientOptions } from '../plugin-client.ts';
import { creationOf, isCreatedBy } from './creation.ts';
import { isAnswerMissing } from './missing-answer.ts';
import { readStatuses } from './read-statuses.ts';
import { writeResources } from './write-resources.ts';

/** An instance that speaks the first Kplug's protocol. */
export class V0Client implements PluginClient {
  readonly #name: string;
  readonly #plugin: GrpcClient<typeof v0.Plugin>;
  readonly signal: AbortSignal;

  constructor({ address, plugin }: Registration, { credentials, channel, signal }: PluginClientOptions) {
    this.#name = plugin;
    this.signal = signal;
    this.#plugin = createGrpcClient(v0.Plugin, address, credentials, channel);
  }

  get grpcClient(): grpc.Client {
    return this.#plugin.$client;
  }

  /** The protocol has no way to ask who answers; whoever allows such plugins trusts the address. */
  async identify(): Promise<void> {}

  async reconcile(call: PluginCall, deadline: number): Promise<PluginAnswer> {
    const { create, update } = this.#plugin;
    const make = isCreatedBy(this.#name, call.base) ? update : create;
    const response = await make(writeResources(call), { deadline, signal: this.signal });
    return { ...success, ...readStatuses(response, call), conditions: [creationOf(this.#name)] };
  }

  /** There is one way to undo, whatever the cause. */
  async finalize(call: PluginCall, _cause: FinalizeCause, deadline: number): Promise<PluginAnswer> {
    try {
      await this.#plugin.delete(writeResources(call), { deadline, signal: this.signal });
      return success;
    } catch (error) {
      if (!isAnswerMissing(error)) throw error;
      return { ...success, events: [unanswered(this.#name)] };
    }
  }
}

const success: PluginAnswer = {
  outcome: 'success',
  retryAfter: undefined,
  requeueAfter: undefined,
  messages: [],
  baseStatus: undefined,
  extensionStatuses: new Map(),
  conditions: undefined,
  events: [],
};

function unanswered(plugin: string): PluginEvent {
  const message = `${plugin} ended its delete without an error, but without an answer too; it is taken to have deleted what it made`;
  return { type: 'Warning', reason: 'DeletedWithoutAnswer', message, target: undefined };
}
