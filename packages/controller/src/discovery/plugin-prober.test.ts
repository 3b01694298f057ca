import { expect, it, onTestFinished, vi } from 'vitest';
import { registrationOf } from '../registry/testing.ts';
import type { DeclarationReporter } from '../resources/declared-plugin.ts';
import type {
  DeclarationListener,
  PluginDeclaration,
  PluginDeclarations,
} from '../resources/services/plugin-declarations.ts';
import { PluginProber, type ProberParts, type ProbingOptions } from './plugin-prober.ts';
import { eventually, InfoServer, postgresql, probeParts } from './testing.ts';

/** Declarations that a test changes. */
class Declarations implements PluginDeclarations {
  readonly #initial: readonly PluginDeclaration[];
  notify: DeclarationListener = () => undefined;

  constructor(initial: readonly PluginDeclaration[]) {
    this.#initial = initial;
  }

  async follow(listener: DeclarationListener): Promise<void> {
    this.notify = listener;
    for (const declaration of this.#initial) listener(declaration, false);
  }
}

function declarationOf(address: string, name = 'postgresql'): PluginDeclaration {
  return {
    record: { namespace: 'default', name },
    source: 'service',
    expected: { apis: [] },
    endpoints: [{ address, state: 'ready' }],
  };
}

async function start(
  initial: readonly PluginDeclaration[],
  options: ProbingOptions = { interval: 100 },
  given: Partial<ProberParts> = {},
) {
  const { parts, registry } = probeParts();
  const declarations = new Declarations(initial);
  const { reader } = parts;
  const prober = new PluginProber({ registry, reader, declarations, inFlight: () => 0, ...given }, options);
  onTestFinished(() => prober.stop());
  await prober.start();
  return { prober, registry, declarations };
}

it('has registered the plugins that answer when it has started', async () => {
  const servers = await Promise.all([
    InfoServer.start(),
    InfoServer.start({ ...postgresql, plugin: 'MariaDB', instanceId: 'process-2' }),
  ]);
  const { registry } = await start(servers.map(({ address }, index) => declarationOf(address, `plugin-${index}`)));
  expect([...registry.instances()].map(({ registration }) => registration.plugin).sort()).toEqual([
    'MariaDB',
    'PostgreSQL',
  ]);
});

it('starts after the timeout although a plugin does not answer', async () => {
  const { address } = await InfoServer.startWith({ getInfo: () => new Promise(() => undefined) });
  const { registry } = await start([declarationOf(address)], { interval: 100, timeout: 50 });
  expect(registry.size).toBe(0);
});

it('follows declarations that are added, changed and deleted, and reports on them', async () => {
  const first = await InfoServer.start();
  const other = await InfoServer.start({ ...postgresql, instanceId: 'process-2' });
  const reporter = {
    declare: vi.fn<DeclarationReporter['declare']>(),
    undeclare: vi.fn<DeclarationReporter['undeclare']>(),
    settleDeclarations: vi.fn(),
  };
  const { registry, declarations } = await start([], undefined, { reporter });
  expect(reporter.settleDeclarations).toHaveBeenCalledOnce();
  const addresses = () => [...registry.instances()].map(({ registration }) => registration.address);
  declarations.notify(declarationOf(first.address), false);
  await eventually(() => expect(addresses()).toEqual([first.address]));
  declarations.notify(declarationOf(other.address), false);
  await eventually(() => expect(addresses()).toEqual([other.address]));
  expect(reporter.declare).toHaveBeenCalled();
  declarations.notify(declarationOf(other.address), true);
  await eventually(() => expect(addresses()).toEqual([]));
  expect(reporter.undeclare).toHaveBeenCalledOnce();
});

it('probes immediately when the instance that sent heartbeats is gone', async () => {
  const { address } = await InfoServer.start();
  const declare = vi.fn<DeclarationReporter['declare']>();
  const reporter = { declare, undeclare: vi.fn(), settleDeclarations: vi.fn() };
  const { registry, declarations } = await start([], { interval: 60_000 }, { reporter });
  registry.register(registrationOf({ instanceId: 'process-1', address }));
  declarations.notify(declarationOf(address), false);
  await eventually(() => expect(declare.mock.lastCall?.[0].problem?.reason).toBe('BeatsByItself'));
  registry.evict('process-1', 'it has stopped');
  await eventually(() => expect(registry.get(`default/postgresql@${address}`)?.state).toBe('live'));
});

it('probes immediately when an instance becomes suspect', async () => {
  const server = await InfoServer.start();
  const { registry } = await start([declarationOf(server.address)], { interval: 60_000 });
  expect(server.calls).toBe(1);
  registry.markSuspect(`default/postgresql@${server.address}`, 'StreamBroken', 'the connection to it broke');
  await eventually(() => expect(server.calls).toBe(2));
  await eventually(() => expect([...registry.instances()][0]?.state).toBe('live'));
});

it('leaves the instances registered when it stops', async () => {
  const server = await InfoServer.start();
  const { prober, registry } = await start([declarationOf(server.address)]);
  prober.stop();
  expect(registry.size).toBe(1);
});
