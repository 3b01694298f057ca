import fc from 'fast-check';
import type { Behaviour } from '../behaviour.ts';
import type { PluginProcess } from '../plugin-process.ts';
import type { Simulation } from '../simulation.ts';
import type { Action } from './action.ts';

/** Most processes that run at the same time. */
const most = 5;

const plugins = fc.constantFrom('Alpha', 'Alpha', 'Beta', 'beta', 'Gamma');
const versions = fc.constantFrom('1.0.0', '1.0.0', '1.1.0', '2.0.0');
const apiVersions = fc.constantFrom('1.0.0', '1.0.0', '1.0.0', '2.0.0');

/** A process of a plugin starts. */
export const startPlugin: fc.Arbitrary<Action> = fc
  .tuple(plugins, versions, apiVersions)
  .map(([plugin, version, apiVersion]) => ({
    actor: 'plugin',
    text: `${plugin} ${version} starts, with API version ${apiVersion}`,
    isPossible: ({ upProcesses }) => upProcesses.length < most,
    run: (world) => world.startProcess(plugin, version, apiVersion),
  }));

const behaviours: fc.Arbitrary<Behaviour> = fc.oneof(
  fc.record({ type: fc.constant('works' as const), delay: fc.constantFrom(0, 0, 50, 700, 6_000) }),
  fc.record({ type: fc.constant('eager' as const), requeueAfter: fc.constantFrom(0, 300, 4_000) }),
  fc.record({ type: fc.constant('retries' as const), retryAfter: fc.constantFrom(undefined, 0, 3_000) }),
  fc
    .constantFrom('gives up', 'throws', 'babbles', 'floods', 'oversteps', 'hangs' as const)
    .map((type) => ({ type }) as Behaviour),
);

/** A process behaves differently from now on. */
export const behave: fc.Arbitrary<Action> = fc.tuple(fc.nat(most - 1), behaviours).map(([index, behaviour]) => {
  const detail = Object.values(behaviour).filter((value) => value !== undefined);
  return ofProcess(index, detail.join(' '), (process) => {
    process.behaviour = behaviour;
  });
});

/** A process stops, crashes, freezes, loses its heartbeats, or changes what it reports about its health. */
export const changeProcess: fc.Arbitrary<Action> = fc.nat(most - 1).chain((index) =>
  fc.constantFrom(
    ofProcess(index, 'stops', (process) => void process.stop()),
    ofProcess(index, 'crashes', (process) => process.crash()),
    ofProcess(index, 'freezes', (process) => {
      process.isFrozen = true;
    }),
    ofProcess(index, 'sends no heartbeats', (process) => {
      process.isSilent = true;
    }),
    ofProcess(index, 'reports that it is not serving', (process) => process.serve(false)),
    ofProcess(index, 'recovers', (process) => {
      process.serve(true);
      process.thaw();
    }),
  ),
);

/** A process crashes, and another one of the same plugin starts immediately. */
export const replaceProcess: fc.Arbitrary<Action> = fc.nat(most - 1).map((index) =>
  ofProcess(index, 'is replaced', (process, world) => {
    const { plugin, version, apiVersion } = process.identity;
    process.crash();
    world.startProcess(plugin, version, apiVersion);
  }),
);

/** Makes an action of one of the processes that are up. */
function ofProcess(index: number, text: string, run: (process: PluginProcess, world: Simulation) => void): Action {
  return {
    actor: 'plugin',
    text: `process ${index + 1} ${text}`,
    isPossible: ({ upProcesses }) => index < upProcesses.length,
    run: (world) => {
      const process = world.upProcesses[index];
      if (process) run(process, world);
    },
  };
}
