import fc from 'fast-check';
import { options, optionsKey, optionsManifest, type TableSpec, tableKey, tableManifest } from '../kinds.ts';
import type { Action } from './action.ts';

const tableNames = fc.constantFrom('one', 'two', 'three', 'four');
const optionsNames = fc.constantFrom('small', 'large');
const preferences = fc.constantFrom(undefined, 'Alpha', 'Beta', 'beta@^1.1.0', 'Gamma');

const specs: fc.Arbitrary<TableSpec> = fc
  .record({
    rows: fc.nat(3),
    views: fc.constantFrom(0, 0, 1, 2),
    preferredImplementation: preferences,
    extensions: fc.constantFrom([], [], [], ['small'], ['large'], ['small', 'large']),
  })
  .map(({ rows, views, preferredImplementation, extensions }) => ({
    rows,
    views,
    ...(preferredImplementation && { preferredImplementation }),
    ...(extensions.length > 0 && { extensions: extensions.map((name) => ({ ...options, name })) }),
  }));

const teams = fc.constantFrom({}, {}, { team: 'red' });

/** A user applies a table. */
export const applyTable: fc.Arbitrary<Action> = fc.tuple(tableNames, specs, teams).map(([name, spec, labels]) => ({
  actor: 'user',
  text: `applies Table/${name} ${JSON.stringify({ ...spec, ...labels })}`,
  run: ({ cluster }) => void cluster.store.apply(tableManifest(name, spec, labels)),
}));

/** A user deletes a table. */
export const deleteTable: fc.Arbitrary<Action> = tableNames.map((name) => ({
  actor: 'user',
  text: `deletes Table/${name}`,
  isPossible: ({ cluster }) => cluster.store.get(tableKey(name)) !== undefined,
  run: ({ cluster }) => void cluster.store.delete(tableKey(name)),
}));

/** A user applies an extension. */
export const applyOptions: fc.Arbitrary<Action> = fc.tuple(optionsNames, fc.nat(3)).map(([name, size]) => ({
  actor: 'user',
  text: `applies Options/${name} of size ${size}`,
  run: ({ cluster }) => void cluster.store.apply(optionsManifest(name, size)),
}));

/** A user deletes an extension. */
export const deleteOptions: fc.Arbitrary<Action> = optionsNames.map((name) => ({
  actor: 'user',
  text: `deletes Options/${name}`,
  isPossible: ({ cluster }) => cluster.store.get(optionsKey(name)) !== undefined,
  run: ({ cluster }) => void cluster.store.delete(optionsKey(name)),
}));
