import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { addService, type GrpcHandlers, HeartbeatResponseSchema, RegistryService } from '@kplug/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { GreetingWorkspace } from '../../testing/greeting-workspace.ts';
import { kplug } from '../../testing/kplug-process.ts';
import type { Report } from '../report.ts';
import { conformController } from './conform-controller.ts';

function unmet({ verdicts }: Report): string[] {
  const bad = verdicts.filter(({ result }) => result === 'failed' || result === 'warning');
  return bad.map(({ number, title, seen }) => `${number} ${title}: ${seen}`);
}

describe('kplug conformance controller', () => {
  it('passes an operator of ours', { timeout: 60_000 }, async () => {
    await using workspace = await GreetingWorkspace.make();
    const operator = await workspace.startOperator(['--heartbeat-interval', '200ms']);
    const { code, stdout, stderr } = await kplug([
      'conformance',
      'controller',
      operator.at.heartbeatAddress,
      '-o',
      'json',
    ]);
    const report = JSON.parse(stdout) as Report;
    expect(unmet(report)).toEqual([]);
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining(' passed, 11 not tried') });
  });

  it('says so when nobody is there', async () => {
    const { code, stderr } = await kplug(['conformance', 'controller', '127.0.0.1:1']);
    expect({ code, stderr }).toMatchObject({ code: 4, stderr: expect.stringContaining('no controller answers at') });
  });

  it('knows the numbers that there are', async () => {
    await using workspace = await GreetingWorkspace.make();
    const { heartbeatAddress } = (await workspace.startOperator()).at;
    const { code, stderr } = await kplug(['conformance', 'controller', heartbeatAddress, '--only', 'C1,P5']);
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no requirement P5; there are C1'),
    });
  });

  it('fails one that believes everything and knows nothing', { timeout: 60_000 }, async () => {
    const lease = { interval: durationFromMs(1_000), ttl: durationFromMs(1_000) };
    const accepted = create(HeartbeatResponseSchema, { answer: { case: 'lease', value: lease } });
    const handlers: Partial<GrpcHandlers<typeof RegistryService>> = {
      heartbeat: () => accepted,
      listPlugins: () => ({}),
    };
    const server = new grpc.Server();
    addService(server, RegistryService, handlers);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    onTestFinished(() => server.forceShutdown());
    const only = ['C1', 'C2', 'C4', 'C5', 'C6', 'C7', 'C28', 'C29', 'C31', 'C32'];
    const failed = unmet(await conformController(`127.0.0.1:${port}`, only)).map((text) => text.split(' ')[0]);
    expect(new Set(failed)).toEqual(new Set(['C1', 'C2', 'C4', 'C5', 'C6', 'C7', 'C29', 'C31', 'C32']));
  });
});
