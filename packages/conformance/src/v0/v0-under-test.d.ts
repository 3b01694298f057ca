import type { MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { type Resource } from '@kplug/controller';
import { v0 } from '@kplug/protocol';
import type { Life } from '../plugin/life.ts';
import type { Sample } from '../plugin/sample.ts';
/** What is sent in a call. */
export type ResourcesInit = Exclude<
  MessageInitShape<typeof v0.ResourcesSchema>,
  {
    $typeName: string;
  }
>;
/** A call that was made, and how it ended. */
export interface V0Call {
  method: 'create' | 'update' | 'delete';
  /** The keys of the references that were sent. */
  keys: ReadonlySet<string>;
  /** What `create` and `update` returned. */
  returned?: v0.Resources;
  /** `delete` ended without an error of the plugin's, but without an answer too. */
  isUnanswered?: boolean;
  error?: grpc.ServiceError;
}
/** What a plugin of the first Kplug's protocol is tried with. */
export interface V0Trial {
  address: string;
  sample: Sample;
  /** How long a call may take, in milliseconds. */
  timeout: number;
  /** Its process and what it says to its controller; `undefined` when only its address is known. */
  life: Life | undefined;
}
/** A plugin of the first Kplug's protocol that is tried, from an operator's side. */
export declare class V0UnderTest implements Disposable {
  #private;
  readonly address: string;
  readonly sample: Sample;
  readonly timeout: number;
  /** Every call that was answered, or ended with an error. */
  readonly calls: V0Call[];
  /** Why nothing can be called, once that is known. */
  unreached: string | undefined;
  constructor({ address, sample, timeout, life }: V0Trial);
  /** Its process and what it says. Throws `NotTried` when only its address is known. */
  get life(): Life;
  /** Whether a connection to its address can be opened. */
  isConnected(): Promise<boolean>;
  /** What an operator sends for a base. */
  request(base?: Resource, references?: readonly Resource[]): ResourcesInit;
  /** Calls `create`. Rejects with the gRPC error, or with `NotTried` when the deadline passed, which F7 is about. */
  create(request?: ResourcesInit): Promise<V0Call>;
  /** Calls `update`. Rejects as `create` does. */
  update(request?: ResourcesInit, signal?: AbortSignal): Promise<V0Call>;
  /** Calls `delete`. Rejects as `create` does, but for a mere lack of an answer. */
  delete(request?: ResourcesInit): Promise<V0Call>;
  /** The call that creates the sample, made once. Rejects as `create` does. */
  creation(): Promise<V0Call>;
  /** Has the sample created, once. Rejects with `NotTried` where that can't be. */
  created(): Promise<void>;
  /** Calls as an operator does: again, as long as the error is one that passes and there is time. */
  retrying<T>(call: () => Promise<T>): Promise<T>;
  [Symbol.dispose](): void;
}
