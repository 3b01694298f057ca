import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { installPythonFor } from '../tools/python/environment.ts';
import { tryConformance } from './conformance.ts';

const examples = join(import.meta.dirname, '../examples');

// Fails in CI where there is no Python.
const python = (await installPythonFor('the conformance of the plugin in Python')) ?? '';

/** Only a plugin's author can know whether trying again can help. */
const everything = { passed: 40, unmet: [], notTried: [expect.stringContaining('P20')] };

describe('an example meets every requirement of the specification', () => {
  it('in TypeScript', { timeout: 120_000 }, async () => {
    const command = [process.execPath, join(examples, 'database-table/plugins/sqlite.ts')];
    expect(await tryConformance(command)).toEqual(everything);
  });

  it.skipIf(!python)('in Python', { timeout: 120_000 }, async () => {
    expect(await tryConformance([python, join(examples, 'plugins/python/plugin.py')])).toEqual(everything);
  });
});
