import type { JsonObject, Resource } from '@kplug/controller';
import fc from 'fast-check';
import { anyCommand } from './actions/index.ts';
import { expectedViews } from './behaviour.ts';
import { options, optionsManifest, tableManifest } from './kinds.ts';
import { anyScenario } from './scenario.ts';
import { World } from './world.ts';

/** Options of the comparison. */
export interface EqualEndsOptions {
  runs: number;
  seed: number;
}

/** Tables that exist in the end. */
const finalTables = ['one', 'two', 'three'].map((name, index) =>
  tableManifest(
    name,
    {
      rows: index,
      views: index,
      preferredImplementation: 'Alpha',
      extensions: [{ ...options, name: 'small' }],
    },
    { team: 'red' },
  ),
);

/**
 * Runs the same commands in two schedules and with other jitter, and then leads both runs to the same manifests and plugins. Throws a
 * report if the statuses of the two differ in more than generations and times.
 */
export async function compareEnds({ runs, seed }: EqualEndsOptions): Promise<void> {
  const commands = fc.array(anyCommand, { maxLength: 40, size: 'max' });
  const property = fc.asyncProperty(
    anyScenario,
    fc.scheduler(),
    fc.scheduler(),
    commands,
    async (scenario, first, second, given) => {
      const settled = { ...scenario, declaration: { ...scenario.declaration, whenPluginGone: 'release' as const } };
      const ends: string[] = [];
      for (const [index, scheduler] of [first, second].entries()) {
        await using world = new World({ ...settled, noise: scenario.noise + index }, scheduler);
        for (const command of given) if (await command.check(world)) await command.run(world, world);
        await converge(world);
        ends.push(describeEnd(world));
        await world.end();
      }
      const [a, b] = ends;
      if (a !== b) throw new Error(`the ends of two schedules differ:\n${a}\n${b}`);
    },
  );
  await fc.assert(property, { seed, numRuns: runs });
}

/** Leads a run to the final manifests and plugins. */
async function converge(world: World): Promise<void> {
  for (const process of world.upProcesses) process.crash();
  for (const plugin of ['Alpha', 'Beta']) world.startProcess(plugin, '1.0.0', '1.0.0');
  world.changeDelegation(world.scenario.declaration);
  await world.rest();
  world.cluster.store.apply(optionsManifest('small', 1));
  for (const { metadata } of world.cluster.tables()) {
    if (!finalTables.some((manifest) => manifest.metadata.name === metadata.name)) world.deleteTable(metadata.name);
  }
  for (const manifest of finalTables) world.cluster.store.apply(manifest);
  await world.rest();
}

function describeEnd(world: World): string {
  const tables = world.cluster.tables().map(describeTable);
  return tables.sort().join('\n');
}

/** Describes a table without what depends on its history: generations, times, and dependents that were retained. */
function describeTable({ metadata, spec, status }: Resource): string {
  const { observedGeneration: _, conditions, dependents, ...fields } = status ?? {};
  const views = expectedViews(metadata.name, spec ?? {}).map((view) => (view.metadata as { name: string }).name);
  const listed = ((dependents ?? []) as { name: string; plugin: string }[]).filter(({ name }) => views.includes(name));
  const states = ((conditions ?? []) as JsonObject[]).map(
    ({ type, status: state, reason }) => `${type}=${state} (${reason})`,
  );
  return JSON.stringify([metadata.name, metadata.finalizers, spec, fields, listed, states]);
}
