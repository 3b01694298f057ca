import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, RegistryService } from '@kplug/protocol';
import { PlainPlugin } from '@kplug/testing';
import { expect, it, onTestFinished } from 'vitest';
import { AttackedOperator } from './attacked-operator.fixture.ts';
import { owner } from './owner.fixture.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Registers a plugin of two APIs, whose health is watched without calls, at a server of its own. */
async function flappingPlugin(operator: AttackedOperator) {
  const plugin = await PlainPlugin.serve();
  const client = createGrpcClient(RegistryService, operator.heartbeatAddress, grpc.credentials.createInsecure());
  onTestFinished(() => client.$client.close());
  const registration = {
    plugin: 'Flapping',
    version: '1.0.0',
    apis: ['Table', 'Other'].map((name) => ({ name, version: '1.0.0' })),
    address: `127.0.0.1:${plugin.port}`,
    instanceId: 'flapping',
  };
  return { plugin, client, registration };
}

// Without the limit, each flip changes the registry, and with it the log, the Plugin resource and the queue.
it('a plugin that flips its health 28,000 times changes a limited number of times', async () => {
  const operator = await AttackedOperator.start();
  const { plugin, client, registration } = await flappingPlugin(operator);
  await client.heartbeat({ registration }, { metadata: owner });
  const before = await operator.state();
  const after = await operator.endure(async () => {
    for (let flip = 0; flip < 28_000; flip++) {
      plugin.setHealth(flip % 2 ? 'SERVING' : 'NOT_SERVING');
      if (flip % 50 === 0) await turn();
    }
  });
  expect(after.changes - before.changes).toBeLessThan(60);
  expect(after.lines - before.lines).toBeLessThan(60);
  expect(after.pluginWrites - before.pluginWrites).toBeLessThan(30);
  expect(after.reconciles - before.reconciles).toBeLessThan(60);
});

// Without the limit, sessions that break as fast as they can have the same effect.
it('a plugin whose sessions break all the time changes a limited number of times', async () => {
  const operator = await AttackedOperator.start();
  const { client, registration } = await flappingPlugin(operator);
  const before = await operator.state();
  const after = await operator.endure(async () => {
    for (let flip = 0; flip < 500; flip++) {
      const session = client.session();
      const ended = new Promise((resolve) => session.on('error', resolve).on('end', () => resolve(undefined)));
      const answered = new Promise((resolve) => session.on('data', resolve));
      session.write({ message: { case: 'registration', value: registration } });
      await Promise.race([answered, ended]);
      session.cancel();
      await ended;
    }
  });
  expect(after.changes - before.changes).toBeLessThan(60);
  expect(after.lines - before.lines).toBeLessThan(60);
});
