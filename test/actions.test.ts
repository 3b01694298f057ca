import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { ActionService, InstanceState, RegistryService } from '@kplug/protocol';
import { TestOperator } from '@kplug/testing';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';

async function actingOperator(allowActions: boolean) {
  const lines: { msg: string; user?: string }[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const operator = await TestOperator.start({}, { adminAddress: '127.0.0.1:0', allowActions, logger });
  const url = `http://${operator.controller.adminAddress}`;
  const transport = createConnectTransport({ baseUrl: url, httpVersion: '1.1' });
  const registry = createClient(RegistryService, transport);
  const instances = async () => (await registry.listPlugins({})).instances;
  const instanceOf = async (plugin: string) => {
    const found = (await instances()).find(({ registration }) => registration?.plugin === plugin);
    return found?.registration?.instanceId ?? '';
  };
  const drains = () => lines.filter(({ msg }) => msg.includes('drained by')).map(({ msg, user }) => ({ msg, user }));
  return { operator, url, client: createClient(ActionService, transport), instances, instanceOf, drains };
}

const codeOf = (error: unknown) => ConnectError.from(error).code;

describe('without a cluster, actions', () => {
  it('are refused unless the operator allows them', async () => {
    const { operator, client, instanceOf, instances } = await actingOperator(false);
    await operator.plugin({ name: 'PostgreSQL' });
    expect(await client.getActions({})).toMatchObject({
      drain: false,
      message: expect.stringMatching(/allows no actions; start it with --allow-actions/),
    });
    const refused = await client.drainInstance({ instanceId: await instanceOf('PostgreSQL') }).catch(codeOf);
    expect(refused).toBe(Code.PermissionDenied);
    // Whoever may not act doesn't learn which instances exist either.
    expect(await client.drainInstance({ instanceId: 'none' }).catch(codeOf)).toBe(Code.PermissionDenied);
    expect(await instances()).toMatchObject([{ state: InstanceState.LIVE }]);
  });

  it('drain an instance: it gets no more calls and stops, and the log says who did it', async () => {
    const { operator, client, instanceOf, instances, drains } = await actingOperator(true);
    await operator.plugin({ name: 'MariaDB' });
    await operator.plugin({ name: 'PostgreSQL' });
    operator.table('users', { preferredImplementation: 'PostgreSQL' });
    await operator.expectReady('users', 'PostgreSQL');
    expect(await client.getActions({})).toMatchObject({ drain: true, message: '' });
    const instanceId = await instanceOf('PostgreSQL');
    await Promise.all([client.drainInstance({ instanceId }), client.drainInstance({ instanceId })]);
    await operator.expectReady('users', 'MariaDB');
    // The plugin stops when it has drained.
    await expect.poll(instances).toMatchObject([{ registration: { plugin: 'MariaDB' }, state: InstanceState.LIVE }]);
    const own = drains().filter(({ user }) => user !== undefined);
    expect(own).toEqual([
      {
        user: 'a process of this machine',
        msg: expect.stringMatching(
          /^PostgreSQL 1\.0\.0 at .* is drained by a process of this machine through the admin port$/,
        ),
      },
    ]);
    expect(await client.drainInstance({ instanceId: 'none' }).catch(codeOf)).toBe(Code.NotFound);
  });

  it('are performed neither by GET, nor for forms and pages of other origins', async () => {
    const { operator, url, instanceOf, instances } = await actingOperator(true);
    await operator.plugin({ name: 'PostgreSQL' });
    const body = JSON.stringify({ instanceId: await instanceOf('PostgreSQL') });
    const path = `${url}/kplug.v1.ActionService/DrainInstance`;
    const query = new URLSearchParams({ encoding: 'json', message: body, connect: 'v1' });
    const statusOf = async (request: Promise<Response>) => (await request).status;
    const json = { 'content-type': 'application/json' };
    expect(await statusOf(fetch(`${path}?${query}`))).toBe(405);
    const post = (headers: Record<string, string>) => statusOf(fetch(path, { method: 'POST', headers, body }));
    expect(await post({ 'content-type': 'text/plain' })).toBe(415);
    expect(await post({ 'content-type': 'application/x-www-form-urlencoded' })).toBe(415);
    expect(await post({ ...json, origin: 'https://example.org' })).toBe(403);
    expect(await post({ ...json, 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await statusOf(fetch(path, { method: 'PUT', headers: json, body }))).toBe(405);
    expect(await instances()).toMatchObject([{ state: InstanceState.LIVE }]);
    expect(await post({ ...json, origin: url })).toBe(200);
  });
});
