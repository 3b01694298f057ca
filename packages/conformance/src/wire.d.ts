import * as grpc from '@grpc/grpc-js';
/** `grpc.health.v1.Health` with its messages as bytes, for a server that answers well or wrongly on purpose. */
export declare const healthService: grpc.ServiceDefinition;
/** Calls a method with bytes, whatever they are. Rejects with the gRPC error. */
export declare function callWithBytes(
  client: grpc.Client,
  path: string,
  request: Uint8Array,
  within: number,
): Promise<Buffer>;
/** Asks `grpc.health.v1.Health` about the server as a whole, or one service, by `Check`. Rejects with the gRPC error. */
export declare function checkHealth(client: grpc.Client, within: number, service?: string): Promise<string>;
/** The first thing that a watch of the server's health says. Rejects with the gRPC error. */
export declare function watchHealth(client: grpc.Client, within: number): Promise<string>;
/** The services that server reflection lists. Rejects with the gRPC error. */
export declare function listServices(client: grpc.Client, within: number): Promise<string[]>;
