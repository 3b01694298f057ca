import * as grpc from '@grpc/grpc-js';
import type { Resource } from '@kplug/controller';
import type { AssignedCapability, Operation } from '@kplug/protocol';
import type { KeyPair } from '../../plugin/credentials.ts';
import { SecuredPort } from './secured-port.ts';

/** A call of a plugin of the suite. Times are in milliseconds of the monotonic clock. */
export interface ReceivedCall {
  method: 'reconcile' | 'finalize' | 'create' | 'update' | 'delete';
  transport: 'unary' | 'work';
  base: Resource;
  extensions: Readonly<Record<string, Resource>>;
  /** Empty in the first Kplug's protocol, which has none. */
  dependents: readonly Resource[];
  /** Capability that the base asks for, in `kplug.v1`. */
  capability?: AssignedCapability | undefined;
  /** Operation in progress, in `kplug.v1`. */
  operation?: Operation | undefined;
  /** Resources that the plugin required, in `kplug.v1`; `undefined` if the controller does not read requirements. */
  required?: Readonly<Record<string, readonly Resource[]>> | undefined;
  /** Texts of the base and the references, in the first Kplug's protocol. */
  texts: readonly string[];
  at: number;
  endedAt?: number;
  /** Time until the deadline in the request and until the deadline of the call, on arrival. */
  remaining?: { request: number; call: number };
}

/** Answers the calls for one base; `undefined` for an empty success. Throws to fail the call. */
export type Script<Answer> = (call: ReceivedCall, index: number) => Answer | undefined | Promise<Answer | undefined>;

/** A plugin of the suite. It answers the calls for each base by a script and records them. */
export abstract class ScriptedPlugin<Answer> implements AsyncDisposable {
  /** All calls, oldest first. */
  readonly calls: ReceivedCall[] = [];
  protected readonly server = new grpc.Server();
  readonly #scripts = new Map<string, Script<Answer>>();
  #port = 0;
  #secured: SecuredPort | undefined;

  get port(): number {
    return this.#port;
  }

  /** Port by TLS, if it has one. */
  get secured(): SecuredPort | undefined {
    return this.#secured;
  }

  /** Sets the script for a base. */
  follow(name: string, script: Script<Answer>): void {
    this.#scripts.set(name, script);
  }

  /** Returns the calls for a base. */
  callsFor(name: string): ReceivedCall[] {
    return this.calls.filter(({ base }) => base.metadata.name === name);
  }

  /** Registers with the controller and keeps sending heartbeats. */
  abstract register(): Promise<void>;

  abstract [Symbol.asyncDispose](): Promise<void>;

  /** @param own key and certificate that the port presents, or `nothing`, for a controller that calls by TLS. Default: plain text. */
  protected async listen(own?: KeyPair | 'nothing'): Promise<void> {
    if (own) {
      this.#secured = await SecuredPort.listen(this.server, own === 'nothing' ? undefined : own);
      this.#port = this.#secured.port;
      return;
    }
    this.#port = await new Promise<number>((resolve, reject) => {
      this.server.bindAsync('[::]:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error) reject(error);
        else resolve(port);
      });
    });
  }

  protected async answer(call: ReceivedCall): Promise<Answer | undefined> {
    const { name } = call.base.metadata;
    const index = this.callsFor(name).filter(({ method }) => isFinalizing(method) === isFinalizing(call.method)).length;
    this.calls.push(call);
    try {
      return await this.#scripts.get(name)?.(call, index);
    } finally {
      call.endedAt = performance.now();
    }
  }
}

/** Reports whether a method finalizes a base. */
export function isFinalizing(method: ReceivedCall['method']): boolean {
  return method === 'finalize' || method === 'delete';
}
