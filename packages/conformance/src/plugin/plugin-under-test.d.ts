import type { MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import type { Resource } from '@kplug/controller';
import {
  type FinalizeRequestSchema,
  type FinalizeResponse,
  type GetInfoResponse,
  type GrpcClient,
  PluginService,
  type ReconcileRequestSchema,
  type ReconcileResponse,
} from '@kplug/protocol';
import type { Life } from './life.ts';
import { type Sample } from './sample.ts';
/** A call that was made, and how it ended. */
export interface CallMade {
  method: 'Reconcile' | 'Finalize';
  /** The keys of the extensions that were sent. */
  keys: ReadonlySet<string>;
  answer?: ReconcileResponse | FinalizeResponse;
  error?: grpc.ServiceError;
}
/** What a plugin is tried with. */
export interface PluginTrial {
  address: string;
  info: GetInfoResponse;
  sample: Sample;
  /** How long a call may take, in milliseconds. */
  timeout: number;
  /** Its process and what it says to its controller; `undefined` when only its address is known. */
  life: Life | undefined;
  /** Whether it answered at its address. */
  isReached: boolean;
}
/** The plugin that is tried, from a controller's side. */
export declare class PluginUnderTest implements Disposable {
  #private;
  readonly info: GetInfoResponse;
  readonly sample: Sample;
  readonly timeout: number;
  /** Every call of Reconcile and Finalize that was answered, or ended with an error. */
  readonly calls: CallMade[];
  constructor({ address, info, sample, timeout, life, isReached }: PluginTrial);
  /** Calls it. Throws `NotTried` when it can't be reached at all. */
  get client(): GrpcClient<typeof PluginService>;
  /** Its process and what it says. Throws `NotTried` when only its address is known. */
  get life(): Life;
  /** Whether it answered when it was looked for. */
  get isReached(): boolean;
  /** Whether its process is known. */
  get hasLife(): boolean;
  /** What a controller sends for a base. */
  request(
    base?: Resource,
    extensions?: readonly Resource[],
  ): {
    base: {
      json: Uint8Array<ArrayBufferLike>;
    };
    extensions: Record<
      string,
      {
        json: Uint8Array;
      }
    >;
    assignment: {
      delegation: string;
      api: string;
      apiVersion: string;
      reason: string;
      message: string;
    };
    context: {
      attempt: number;
      deadline: import('@bufbuild/protobuf/wkt').Timestamp;
    };
  };
  /** Calls Reconcile. Rejects with the gRPC error, or with `NotTried` when the deadline passed, which P25 is about. */
  reconcile(
    request?: MessageInitShape<typeof ReconcileRequestSchema>,
    signal?: AbortSignal,
  ): Promise<ReconcileResponse>;
  /** Calls Finalize. Rejects as `reconcile` does. */
  finalize(request?: MessageInitShape<typeof FinalizeRequestSchema>): Promise<FinalizeResponse>;
  /** The answer that reconciles the sample, the first time that it is asked for. Rejects with `NotTried` where there is none. */
  reconciled(): Promise<ReconcileResponse>;
  /** Calls as a controller does: again, as long as it is answered with RETRY and there is time. */
  retrying<A extends FinalizeResponse | ReconcileResponse>(call: () => Promise<A>): Promise<A>;
  [Symbol.dispose](): void;
}
