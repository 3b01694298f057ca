import { definition, FaultProxy, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { EventWriter } from './event-writer.ts';
import { FollowedCluster, soon } from './testing.ts';
import { Transport } from './transport.ts';

const kind = { apiVersion: 'events.example.org/v1', kind: 'Table' };
const broken = { type: 'Warning', reason: 'Broken', message: 'it is broken' } as const;

interface WrittenEvent {
  reason: string;
  note: string;
  series?: { count: number };
}

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group: 'events.example.org', kind: 'Table' }));
}, startTimeout);

afterAll(() => cluster?.close());

/** Makes a resource and an Event writer, and records the written Events. */
async function prepare(kubeConfig = cluster.kubeConfig) {
  const namespace = await cluster.namespace();
  const followed = await FollowedCluster.open({ kubeConfig: cluster.kubeConfig, namespaces: [namespace] });
  await followed.follow(kind);
  await cluster.apply({ ...kind, metadata: { name: 'users', namespace } });
  const key = `events.example.org/v1/Table/${namespace}/users`;
  const resource = await followed.waitFor(key);
  const transport = new Transport(kubeConfig, { timeout: 5_000 });
  const log: string[] = [];
  const logger = pino({}, { write: (line: string) => void log.push(JSON.parse(line).msg) });
  const find = (wanted: string) => followed.resources.get(wanted);
  const options = { reportingController: 'kplug.dev/operator', reportingInstance: 'here', repeatInterval: 50, logger };
  const events = new EventWriter(transport, find, options);
  onTestFinished(async () => {
    await events.close();
    await transport.close();
  });
  const written = async () => {
    const path = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
    return (await cluster.request<{ items: WrittenEvent[] }>('GET', path)).items;
  };
  return { events, key, resource, written, log, namespace };
}

describe('an Event', () => {
  it('is written for its resource, as shown by kubectl describe', async () => {
    const { events, key, resource, written, namespace } = await prepare();
    events.record(key, { ...broken, message: 'x'.repeat(2_000) });
    await events.close();
    const { uid } = resource.metadata;
    expect(await written()).toMatchObject([
      {
        type: 'Warning',
        reason: 'Broken',
        note: `${'x'.repeat(1_021)}…`,
        action: 'Reconcile',
        reportingController: 'kplug.dev/operator',
        reportingInstance: 'here',
        regarding: { ...kind, namespace, name: 'users', uid },
      },
    ]);
  });

  it('that is repeated is one Event with a count', async () => {
    const { events, key, written } = await prepare();
    events.record(key, broken);
    events.record(key, { ...broken, message: 'otherwise' });
    for (let times = 0; times < 4; times++) events.record(key, broken);
    await vi.waitFor(async () => {
      const found = (await written()).map(({ note, series }) => [note, series?.count]);
      expect(found.sort()).toEqual([
        ['it is broken', 5],
        ['otherwise', undefined],
      ]);
    }, soon);
  });

  it('is rate-limited per resource', async () => {
    const { events, key, written } = await prepare();
    for (let index = 0; index < 40; index++) events.record(key, { ...broken, message: `${index}` });
    await events.close();
    expect(await written()).toHaveLength(25);
  });

  it('of an unknown resource is not written', async () => {
    const { events, key, written } = await prepare();
    events.record(`${key}-2`, broken);
    await events.close();
    expect(await written()).toEqual([]);
  });

  it('that is forbidden is lost, and the missing right is logged once', async () => {
    const proxy = await FaultProxy.open(cluster.kubeConfig);
    onTestFinished(() => proxy.close());
    const { events, key, written, log } = await prepare(proxy.kubeConfig('nobody'));
    for (let index = 0; index < 3; index++) events.record(key, { ...broken, message: `${index}` });
    await events.close();
    expect(await written()).toEqual([]);
    expect(log).toEqual([
      expect.stringContaining('{ apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create", "patch"] }'),
    ]);
  });
});
