import type * as grpc from '@grpc/grpc-js';
/** Serves `grpc.health.v1.Health`: well as a whole, and one API not served until it is said to be. */
export declare class ApiHealth {
  #private;
  constructor(server: grpc.Server, api: string);
  /** Whether somebody has asked about the API. */
  get isAsked(): boolean;
  /** The API is served from now on. */
  serve(): void;
}
