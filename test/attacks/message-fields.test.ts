import * as grpc from '@grpc/grpc-js';
import { TestOperator } from '@kplug/testing';
import { expect, it, onTestFinished } from 'vitest';
import { longestBlock, unitOfWork } from '../scale/loop-meter.fixture.ts';

/** Longest block of the event loop during an attack, in units of a computation that takes about a millisecond. */
const maxBlock = 50;

/** Returns a message with a field that has some content of up to 65,000 bytes. */
const message = (tag: number, content: Buffer) =>
  Buffer.concat([
    Buffer.from([tag, (content.length & 127) | 128, ((content.length >> 7) & 127) | 128, content.length >> 14]),
    content,
  ]);

// Without the count, 64 KiB of a heartbeat would become 32,000 objects of a hundred bytes, a thousand times a second.
it.each([
  [
    'of a registration with 32,000 APIs',
    'kplug.v1.RegistryService/Heartbeat',
    message(0x0a, Buffer.alloc(64_000, Buffer.from([0x1a, 0]))),
  ],
  [
    'of a registration with 32,000 labels',
    'kplug.v1.RegistryService/Heartbeat',
    message(0x0a, Buffer.alloc(64_000, Buffer.from([0x3a, 0]))),
  ],
  ['of 32,000 unknown fields', 'kplug.v1.RegistryService/Heartbeat', Buffer.alloc(64_000, Buffer.from([0x78, 0]))],
  ['of nested groups', 'kplug.v1.RegistryService/Heartbeat', Buffer.alloc(64_000, 0x7b)],
  [
    'of the first Kplug with 32,000 unknown fields',
    'kplug.Controller/pluginHeartbeat',
    Buffer.alloc(64_000, Buffer.from([0x78, 0])),
  ],
])('a heartbeat %s is refused, and others are answered', async (_, path, bytes) => {
  const operator = await TestOperator.start({}, { allowInsecurePlugins: true });
  await operator.plugin({ name: 'Honest' });
  const client = new grpc.Client(operator.controller.heartbeatAddress, grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  const send = () =>
    new Promise<grpc.ServiceError | null>((resolve) => {
      client.makeUnaryRequest(
        `/${path}`,
        (value: Buffer) => value,
        (value) => value,
        bytes,
        (error) => resolve(error),
      );
    });
  const block = await longestBlock(async () => {
    for (let round = 0; round < 20; round++) {
      const errors = await Promise.all(Array.from({ length: 5 }, send));
      for (const error of errors) expect(error?.code).toBe(grpc.status.INTERNAL);
    }
    operator.table('honest', { preferredImplementation: 'Honest' });
    await operator.expectReady('honest', 'Honest');
  });
  expect(block / unitOfWork()).toBeLessThan(maxBlock);
  expect(operator.controller.registry.size).toBe(1);
});
