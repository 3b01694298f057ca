import { Controller, type JsonObject, type Resource } from '@kplug/controller';
import { MemoryResources } from '@kplug/controller/memory';
import { definePlugin, type RuledDependent, type RunningPlugin } from '@kplug/sdk';
import { keyFor } from '@kplug/testing';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { type Kill, MortalResources } from './killed-controller.fixture.ts';

const apiVersion = 'myorg.org/v1alpha1';
const view = { apiVersion, kind: 'View' };
const set = { apiVersion: 'apps/v1', kind: 'StatefulSet' };
const service = { apiVersion: 'v1', kind: 'Service' };
const kinds = [view, set, service];

const delegation = {
  name: 'tables',
  base: { apiVersion, kind: 'Table' },
  api: 'Table@^1.0.0',
  dependents: { kinds },
  backOff: { initial: 10, max: 20 },
};

let passwords = 0;

/** A password that is generated at each call and kept from the first one, a server that has to start, and two dependents after it. */
function dependentsOf({ label, extra }: JsonObject): RuledDependent[] {
  return [
    ...(extra ? [{ manifest: { ...view, metadata: { name: 'extra' }, spec: {} } }] : []),
    {
      manifest: { ...view, metadata: { name: 'password' }, spec: { secret: ++passwords } },
      policy: 'CreateOnly',
      retain: true,
    },
    { manifest: { ...set, metadata: { name: 'server' }, spec: { replicas: 1, label: label ?? null } } },
    { manifest: { ...service, metadata: { name: 'server' }, spec: { label: label ?? null } } },
  ];
}

/** Actions of the user, each with the condition that is waited for before the next one. */
const steps: { act: (store: MemoryResources) => void; isDone: (table: Resource | undefined) => boolean }[] = [
  {
    act: (store) => store.apply({ apiVersion, kind: 'Table', metadata: { name: 'users' }, spec: { extra: true } }),
    isDone: isReady,
  },
  {
    act: (store) => store.apply({ apiVersion, kind: 'Table', metadata: { name: 'users' }, spec: { label: 'b' } }),
    isDone: isReady,
  },
  { act: (store) => store.delete(keyFor('Table', 'users')), isDone: (table) => table === undefined },
];

function isReady(table: Resource | undefined): boolean {
  const conditions = (table?.status?.conditions ?? []) as JsonObject[];
  const ready = conditions.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === table?.metadata.generation;
}

/**
 * Runs the steps with controllers that are killed as given, each followed by another one. Returns what exists after each step, and the
 * number of writes until then.
 *
 * @param user `goes on` with the next step before another controller starts.
 */
async function run(kills: readonly Kill[], user: 'waits' | 'goes on' = 'waits') {
  const store = new MemoryResources();
  // Starts the servers, as the controller of StatefulSets does.
  await store.follow(set, ({ resource, gone }) => {
    const { uid } = resource.metadata;
    const status = { replicas: 1, readyReplicas: 1, currentReplicas: 1 };
    const start = () => store.applyStatus('apps/v1/StatefulSet/default/server', status, { uid, fieldManager: 'sets' });
    if (!gone && !resource.status?.readyReplicas) setImmediate(start);
  });
  let password: unknown;
  await store.follow(view, ({ resource: { metadata, spec } }) => {
    if (metadata.name === 'password') password ??= spec?.secret;
  });
  const left = [...kills];
  const ends: object[] = [];
  const writes: number[] = [];
  let life = await begin(store, left.shift());
  for (const [index, { act, isDone }] of steps.entries()) {
    act(store);
    if (life.isOver) life = await begin(store, left.shift());
    for (;;) {
      const current = life;
      const done = until(() => current.isOver || isDone(store.get(keyFor('Table', 'users'))));
      const isKilled = await Promise.race([done.then(() => false), life.resources.killed.then(() => true)]);
      if (!isKilled) break;
      await life.stop();
      if (user === 'goes on' && index < steps.length - 1) break;
      life = await begin(store, left.shift());
    }
    if (!life.isOver) await life.controller.whenIdle();
    ends.push(endOf(store, password));
    writes.push(life.resources.writes);
  }
  await life.stop();
  return { ends, writes, unused: left.length };
}

/** Starts a controller and its plugin. */
async function begin(store: MemoryResources, kill: Kill | undefined) {
  const resources = new MortalResources(store, kill);
  const controller = new Controller({
    resources,
    delegations: [delegation],
    heartbeatAddress: '127.0.0.1:0',
    adminAddress: false,
    logger: pino({ level: 'silent' }),
    stopTimeout: 1_000,
  });
  await controller.start();
  const plugin: RunningPlugin = await definePlugin({
    name: 'Keeper',
    version: '1.0.0',
    api: 'Table@1.0.0',
    reconcile: ({ base }) => ({ dependents: dependentsOf((base.spec ?? {}) as JsonObject) }),
  }).serve({ controller: controller.heartbeatAddress, logLevel: 'silent', handleSignals: false });
  const life = {
    resources,
    controller,
    isOver: false,
    stop: async () => {
      life.isOver = true;
      await plugin.stop();
      await controller.stop();
    },
  };
  return life;
}

async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Describes what exists without what depends on its history. */
function endOf(store: MemoryResources, password: unknown): object {
  const table = store.get(keyFor('Table', 'users'));
  const { implementation, dependentsReady, dependents = [] } = table?.status ?? {};
  const listed = (dependents as JsonObject[]).map(({ kind, name, reason, retain }) => ({ kind, name, reason, retain }));
  const found = kinds.flatMap((kind) =>
    [...store.list(kind)].map(({ metadata, spec }) => ({
      kind: kind.kind,
      name: metadata.name,
      spec: spec?.secret === undefined ? spec : { isKept: spec.secret === password },
      annotations: metadata.annotations,
      owners: metadata.ownerReferences?.length ?? 0,
    })),
  );
  return { table: table && { implementation, dependentsReady, listed, finalizers: table.metadata.finalizers }, found };
}

it('a controller that is killed between any two writes of a workflow leads to the same end', async () => {
  const undisturbed = await run([]);
  expect(undisturbed.ends).toMatchObject([
    { table: { dependentsReady: '4/4' } },
    { table: { dependentsReady: '3/3' } },
    { table: undefined, found: [{ name: 'password', owners: 0 }] },
  ]);
  for (let write = 1; write <= (undisturbed.writes.at(-1) ?? 0); write++) {
    for (const effect of ['none', 'done'] as const) {
      const { ends, unused } = await run([{ write, effect }]);
      expect({ write, effect, ends, unused }).toEqual({ write, effect, ends: undisturbed.ends, unused: 0 });
    }
  }
});

it('a controller that is killed, and started again after the user changed the resource, leads to the same end', async () => {
  const undisturbed = await run([]);
  const [writes = 0] = undisturbed.writes;
  for (let write = 1; write <= writes; write++) {
    for (const effect of ['none', 'done'] as const) {
      const { ends } = await run([{ write, effect }], 'goes on');
      expect({ write, effect, ends: ends.slice(1) }).toEqual({ write, effect, ends: undisturbed.ends.slice(1) });
    }
  }
});

it('controllers that are killed at their second write again and again lead to the same end', async () => {
  const { ends } = await run([]);
  const kills = Array.from({ length: 10 }, (): Kill => ({ write: 2, effect: 'done' }));
  expect((await run(kills)).ends).toEqual(ends);
});
