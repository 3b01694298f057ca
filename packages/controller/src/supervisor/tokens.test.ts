import { create } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, RefusalReason, RegistrationSchema, RegistryService } from '@kplug/protocol';
import { HostingTrial, makeFolder, moduleOf, packages } from '@kplug/testing/supervisor';
import { describe, expect, it, onTestFinished } from 'vitest';

async function startLive() {
  // Addresses of this machine are refused for all other plugins.
  const trial = await HostingTrial.start({}, { addresses: { allowLoopback: false } });
  await trial.put('folder.js', moduleOf());
  const { instanceId = '' } = await trial.expectState('folder.js', 'live');
  const { heartbeatAddress, registry } = trial.operator.controller;
  const client = createGrpcClient(RegistryService, heartbeatAddress, grpc.credentials.createInsecure());
  onTestFinished(() => client.$client.close());
  const registrationOf = (id: string) =>
    create(RegistrationSchema, {
      plugin: 'Intruder',
      version: '1.0.0',
      apis: [{ name: 'Table', version: '1.0.0' }],
      address: '10.0.0.1:7000',
      instanceId: id,
    });
  const calling = (token?: string) => {
    const metadata = new grpc.Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    return { metadata, deadline: Date.now() + 10_000 };
  };
  const beat = async (id: string, token?: string) => {
    const { answer } = await client.heartbeat({ registration: registrationOf(id) }, calling(token));
    return answer.case === 'refusal' ? answer.value : undefined;
  };
  const open = (id: string, token?: string) =>
    new Promise<string>((resolve, reject) => {
      const stream = client.session(calling(token));
      stream.on('data', ({ answer }) => resolve(answer.case === 'refusal' ? answer.value.message : 'accepted'));
      stream.on('error', reject);
      stream.write({ message: { case: 'registration', value: registrationOf(id) } });
    });
  return { trial, registry, instanceId, client, calling, beat, open };
}

describe('the instance ID of a process that the controller started', () => {
  it('is refused without its token, or with another one', async () => {
    const { instanceId, registry, beat, open } = await startLive();
    for (const token of [undefined, 'guessed']) {
      const refusal = await beat(instanceId, token);
      expect(refusal).toMatchObject({ reason: RefusalReason.UNAUTHENTICATED });
      expect(refusal?.message).toContain(`"${instanceId}"`);
      expect(await open(instanceId, token)).toBe(refusal?.message);
    }
    expect(await beat('folder/other/00000000')).toMatchObject({ reason: RefusalReason.UNAUTHENTICATED });
    expect(registry.get(instanceId)?.registration.plugin).toBe('Folder');
    expect(await beat('elsewhere')).toBeUndefined();
  });

  it('cannot be deregistered by another client', async () => {
    const { instanceId, registry, client, calling } = await startLive();
    const denied = expect.objectContaining({ code: grpc.status.UNAUTHENTICATED });
    await expect(client.deregister({ instanceId }, calling())).rejects.toEqual(denied);
    await expect(client.deregister({ instanceId }, calling('guessed'))).rejects.toEqual(denied);
    expect(registry.get(instanceId)?.state).toBe('live');
    await expect(client.deregister({ instanceId: 'unknown' }, calling())).resolves.toBeDefined();
  });
});

it('an unknown token is refused for every instance ID', async () => {
  const { beat } = await startLive();
  const refusal = await beat('elsewhere', 'stale');
  expect(refusal).toMatchObject({ reason: RefusalReason.UNAUTHENTICATED });
  expect(refusal?.message).toContain('unset KPLUG_TOKEN');
});

it('the token of a process is invalid after the process has exited', async () => {
  const directory = await makeFolder();
  const trial = await HostingTrial.start({ directory, packages });
  const before = 'console.log(process.env.KPLUG_TOKEN);';
  await trial.put('folder.js', moduleOf({ before }));
  const { instanceId = '' } = await trial.expectState('folder.js', 'live');
  const [token] = trial.linesOf('folder.js');
  await trial.signal('folder.js', 'SIGKILL');
  await trial.expectState('folder.js', 'live', { restarts: 1 });
  const { heartbeatAddress } = trial.operator.controller;
  const client = createGrpcClient(RegistryService, heartbeatAddress, grpc.credentials.createInsecure());
  onTestFinished(() => client.$client.close());
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  await expect(client.deregister({ instanceId }, { metadata })).rejects.toThrow('may have been replaced or ended');
});
