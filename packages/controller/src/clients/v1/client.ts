// clients/v1/: the client of plugins that speak kplug.v1.
import type * as grpc from '@grpc/grpc-js';
import { createGrpcClient, type GrpcClient, PluginService } from '@kplug/protocol';
import { KplugError } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { PluginName } from '../../names.ts';
import type { Registration } from '../../registry/registration.ts';
import { cutText } from '../../resources/cut-text.ts';
import { PluginCalls } from '../calls.ts';
import type { FinalizeCause, PluginAnswer, PluginCall } from '../plugin-call.ts';
import type { PluginClient, PluginClientOptions } from '../plugin-client.ts';
import { decodeFinalize, decodeReconcile, encodeCall, encodeCause } from './codec.ts';

const { maxConditionLength: maxWhoLength } = limits.resources;

/** Client of an instance that speaks `kplug.v1`. */
export class V1Client implements PluginClient {
  readonly #registration: Registration;
  readonly #plugin: GrpcClient<typeof PluginService>;
  readonly #calls: PluginCalls;
  readonly signal: AbortSignal;
  readonly maxMessageSize: number;

  constructor(
    registration: Registration,
    { credentials, channel, maxMessageSize, streams, signal }: PluginClientOptions,
  ) {
    this.#registration = registration;
    this.maxMessageSize = maxMessageSize;
    this.signal = signal;
    this.#plugin = createGrpcClient(PluginService, registration.target ?? registration.address, credentials, channel);
    this.#calls = new PluginCalls(this.#plugin, { signal, maxMessageSize, streams });
  }

  get grpcClient(): grpc.Client {
    return this.#plugin.$client;
  }

  get serializesCalls(): boolean {
    return this.#calls.serializesCalls;
  }

  /**
   * Verifies that the address leads to the registered instance: it may be wrong, or in use by another process since. A plugin
   * that sends no heartbeats is known by its address alone, so that any process of that plugin and version is accepted.
   */
  async identify(deadline: number): Promise<void> {
    const info = await this.#plugin.getInfo(
      {},
      { deadline, signal: this.signal, maxResponseSize: limits.calls.maxInfoSize },
    );
    const { plugin, version, instanceId, declaration } = this.#registration;
    const isSamePlugin = info.version === version && new PluginName(info.plugin).equals(new PluginName(plugin));
    const isMeant = declaration ? isSamePlugin : info.instanceId === instanceId;
    if (!isMeant) {
      const who = `${info.plugin} ${info.version}, instance ${info.instanceId}`;
      throw new KplugError(
        'PluginUnavailable',
        `another process answers at its address: ${cutText(who, maxWhoLength)}`,
      );
    }
    this.#calls.configure(info);
  }

  async reconcile(call: PluginCall, deadline: number): Promise<PluginAnswer> {
    return decodeReconcile(await this.#calls.reconcile(encodeCall(call, deadline), deadline), call);
  }

  async finalize(call: PluginCall, cause: FinalizeCause, deadline: number): Promise<PluginAnswer> {
    const request = { ...encodeCall(call, deadline), cause: encodeCause(cause) };
    return decodeFinalize(await this.#calls.finalize(request, deadline), call);
  }
}
