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
  left?: {
    said: number;
    grpc: number;
  };
}
/** What is answered to the calls for one base: `undefined` for a success that says nothing. Throws to fail. */
export type Script<Answer> = (call: SeenCall, index: number) => Answer | undefined | Promise<Answer | undefined>;
/** A plugin of the tool's own, which answers for each base as it is told to and remembers what it was called for. */
export declare abstract class ScriptedPlugin<Answer> implements AsyncDisposable {
  #private;
  /** All calls, in the order in which they came. */
  readonly calls: SeenCall[];
  protected readonly server: grpc.Server;
  get port(): number;
  /** Answers for the base of a name by a script from now on. */
  follow(name: string, script: Script<Answer>): void;
  /** The calls for the base of a name. */
  callsFor(name: string): SeenCall[];
  /** Makes itself known to the controller, and goes on beating. */
  abstract register(): Promise<void>;
  abstract [Symbol.asyncDispose](): Promise<void>;
  protected listen(): Promise<void>;
  protected answer(call: SeenCall): Promise<Answer | undefined>;
}
/** Whether a call is one that undoes. */
export declare function isUndoing(method: SeenCall['method']): boolean;
