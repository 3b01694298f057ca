import { readdir } from 'node:fs/promises';
import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { addService, type GrpcHandlers, HeartbeatResponseSchema, RegistryService } from '@kplug/protocol';
import { GreetingWorkspace, kplug, startKplug, world } from '@kplug/testing/kplug';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Report } from '../report.ts';
import { conformController } from './conform-controller.ts';

function unmet({ verdicts }: Report): string[] {
  const bad = verdicts.filter(({ result }) => result === 'failed' || result === 'warning');
  return bad.map(({ number, title, seen }) => `${number} ${title}: ${seen}`);
}

describe('kplug conformance controller', () => {
  it('passes the operator of this repository', { timeout: 60_000 }, async () => {
    await using workspace = await GreetingWorkspace.make();
    const operator = await workspace.startOperator(['--heartbeat-interval', '200ms']);
    const args = ['conformance', 'controller', operator.at.heartbeatAddress, '-o', 'json'];
    const { code, stdout, stderr } = await kplug(args);
    const report = JSON.parse(stdout) as Report;
    expect(unmet(report)).toEqual([]);
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining(' passed, ') });
    const why = new Map(report.verdicts.map(({ number, result, remark }) => [number, `${result}: ${remark}`]));
    expect(why.get('C8')).toMatch(/^notTried: needs delegated resources: give --api, --resource and/);
    expect(why.get('C18')).toMatch(/^passed: not accepted: .*--allow-insecure-plugins/);
    for (const number of ['C20', 'C21'])
      expect(why.get(number)).toMatch(/^notTried: the controller accepts no plugins of the first/);
  });

  it('passes it with a delegation, by both protocols', { timeout: 120_000 }, async () => {
    await using workspace = await GreetingWorkspace.make({ 'world.yaml': world });
    const operator = await workspace.startOperator(['--heartbeat-interval', '200ms', '--allow-insecure-plugins']);
    const only = ['C8', 'C12', 'C22', 'C25', 'C33', 'C36', 'C42', 'C46', 'C50'];
    const given = [
      '--api',
      'Greeting@1.0.0',
      '--resource',
      'world.yaml',
      '--manifests',
      'manifests',
      '-o',
      'json',
      '--only',
      only.join(','),
    ];
    const args = ['conformance', 'controller', operator.at.heartbeatAddress, ...given];
    const { code, stdout } = await kplug(args, { cwd: workspace.folder });
    const report = JSON.parse(stdout) as Report;
    expect(unmet(report)).toEqual([]);
    const results = new Set(report.verdicts.map(({ number, result }) => `${number} ${result}`));
    expect({ code, results }).toEqual({ code: 0, results: new Set(only.map((number) => `${number} passed`)) });
    const left = (await readdir(workspace.manifests)).filter((name) => !name.startsWith('.'));
    expect(left).toEqual([]);
  });

  it('removes its files when it is interrupted', { timeout: 60_000 }, async () => {
    await using workspace = await GreetingWorkspace.make({ 'world.yaml': world });
    const operator = await workspace.startOperator(['--heartbeat-interval', '200ms']);
    const given = ['--api', 'Greeting@1.0.0', '--resource', 'world.yaml', '--manifests', 'manifests', '--only', 'C9'];
    const args = ['conformance', 'controller', operator.at.heartbeatAddress, ...given];
    await using command = startKplug(args, { cwd: workspace.folder });
    const files = async () => (await readdir(workspace.manifests)).filter((name) => !name.startsWith('.'));
    await vi.waitFor(async () => expect(await files()).toHaveLength(2), { timeout: 20_000, interval: 10 });
    command.kill('SIGINT');
    expect(await command.ended()).toMatchObject({ code: 130 });
    expect(await files()).toEqual([]);
  });

  it.each([
    ['only an API is given', ['--api', 'Greeting'], /--api, --resource and --manifests have to be given together/],
    [
      'the directory does not exist',
      ['--api', 'Greeting', '--resource', 'world.yaml', '--manifests', 'nowhere'],
      /no directory nowhere; give the manifest directory of the operator/,
    ],
  ])('fails when %s', async (_, args, message) => {
    await using workspace = await GreetingWorkspace.make({ 'world.yaml': world });
    const { heartbeatAddress } = (await workspace.startOperator()).at;
    const result = await kplug(['conformance', 'controller', heartbeatAddress, ...args], { cwd: workspace.folder });
    expect(result).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
  });

  it('reports an unreachable controller', async () => {
    const { code, stderr } = await kplug(['conformance', 'controller', '127.0.0.1:1']);
    expect({ code, stderr }).toMatchObject({ code: 4, stderr: expect.stringContaining('no controller answers at') });
  });

  it('rejects unknown requirements', async () => {
    await using workspace = await GreetingWorkspace.make();
    const { heartbeatAddress } = (await workspace.startOperator()).at;
    const { code, stderr } = await kplug(['conformance', 'controller', heartbeatAddress, '--only', 'C1,P5']);
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('unknown requirement P5; valid: C1'),
    });
  });

  it('fails a controller that accepts all registrations and lists none', { timeout: 60_000 }, async () => {
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
    const only = ['C1', 'C2', 'C4', 'C5', 'C6', 'C7', 'C28', 'C29', 'C31', 'C32', 'C35', 'C37', 'C38'];
    const failed = unmet(await conformController(`127.0.0.1:${port}`, { only })).map((text) => text.split(' ')[0]);
    expect(new Set(failed)).toEqual(
      new Set(['C1', 'C2', 'C4', 'C5', 'C6', 'C7', 'C29', 'C31', 'C32', 'C35', 'C37', 'C38']),
    );
  });
});
