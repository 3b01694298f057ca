import * as grpc from '@grpc/grpc-js';
import { serveCommands, usage } from './commands.ts';
import type { HeardCommands } from './heartbeat-server.ts';

/** Response of the size of a response to a heartbeat: a lease of 5 s and 15 s. */
const answer = Buffer.alloc(10);

let received = 0;

const bytes = (value: Buffer) => value;
const heartbeat = {
  path: '/kplug.v1.RegistryService/Heartbeat',
  requestStream: false,
  responseStream: false,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
};

// Without channelz, like the controller.
const server = new grpc.Server({ 'grpc.enable_channelz': 0 });
server.addService(
  { heartbeat },
  {
    heartbeat(_call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) {
      received++;
      callback(null, answer);
    },
  },
);

/** Server with grpc-js alone: it reads a message and responds with one, as bytes. */
const commands: HeardCommands = {
  listen: () =>
    new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    }),

  received: () => ({ ...usage(), received, refused: 0, instances: 0 }),
};

serveCommands(commands);
