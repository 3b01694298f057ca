import { type GetInfoResponse } from '@kplug/protocol';
/** Asks a process what plugin it is. Rejects with the gRPC error. */
export declare function getInfo(address: string): Promise<GetInfoResponse>;
