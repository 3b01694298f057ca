import * as grpc from '@grpc/grpc-js';
import type { Resource } from '@kplug/controller';

/** A call that the controller made of the tool's own plugin. Times in milliseconds on the monotonic clock. */
export interface SeenCall {
  method: 'reconcile' | 'finalize' | 'create' | 'update' | 'delete';
  way: 'unary' | 'work';
  base: Resource;
  extensions: Readonly<Record<string, Resource>>;
  /** The texts that were sent, where they aren't JSON. */
  texts: readonly string[];
  at: number;
  endedAt?: number;
  /** How long until the deadline in the request, and until that of the call, when it came. */
  left?: { said: number; grpc: number };
}

/** What is answered to the calls for one base: `undefined` for a success that says nothing. Throws to fail. */
export type Script<Answer> = (call: SeenCall, index: number) => Answer | undefined | Promise<Answer | undefined>;

/** A plugin of the tool's own, which answers for each base as it is told to and remembers what it was called for. */
export abstract class ScriptedPlugin<Answer> implements AsyncDisposable {
  /** All calls, in the order in which they came. */
  readonly calls: SeenCall[] = [];
  protected readonly server = new grpc.Server();
  readonly #scripts = new Map<string, Script<Answer>>();
  #port = 0;

  get port(): number {
    return this.#port;
  }

  /** Answers for the base of a name by a script from now on. */
  follow(name: string, script: Script<Answer>): void {
    this.#scripts.set(name, script);
  }

  /** The calls for the base of a name. */
  callsFor(name: string): SeenCall[] {
    return this.calls.filter(({ base }) => base.metadata.name === name);
  }

  /** Makes itself known to the controller, and goes on beating. */
  abstract register(): Promise<void>;

  abstract [Symbol.asyncDispose](): Promise<void>;

  protected async listen(): Promise<void> {
    this.#port = await new Promise<number>((resolve, reject) => {
      this.server.bindAsync('[::]:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error) reject(error);
        else resolve(port);
      });
    });
  }

  protected async answer(call: SeenCall): Promise<Answer | undefined> {
    const { name } = call.base.metadata;
    const index = this.callsFor(name).filter(({ method }) => isUndoing(method) === isUndoing(call.method)).length;
    this.calls.push(call);
    try {
      return await this.#scripts.get(name)?.(call, index);
    } finally {
      call.endedAt = performance.now();
    }
  }
}

/** Whether a call is one that undoes. */
export function isUndoing(method: SeenCall['method']): boolean {
  return method === 'finalize' || method === 'delete';
}
