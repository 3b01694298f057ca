import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfigurationFile, readDelegationFile } from './configuration-file.ts';

async function fileWith(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kplug-configuration-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'file.yaml');
  await writeFile(file, text);
  return file;
}

/** Returns the message for an invalid text in a file. */
async function faultsOf(text: string): Promise<string> {
  const file = await fileWith(text);
  const read = await readConfigurationFile(file).catch((error: Error) => error.message);
  return typeof read === 'string' ? read.replaceAll(file, 'file.yaml') : 'none';
}

const base = 'base: { apiVersion: example.org/v1, kind: Greeting }';

describe('a configuration file', () => {
  it('may not be larger than 1 MiB', async () => {
    expect(await faultsOf('#'.repeat(1_100_000))).toBe('file.yaml: the file is larger than 1 MiB');
  });

  it('is rejected with its first faults, however many there are', async () => {
    const faults = await faultsOf(`delegations:\n${'  - a\n'.repeat(20_000)}`);
    expect(faults).toMatch(/^file\.yaml:2:5: delegations\[0\].*; and 19980 more faults$/);
    expect(faults.length).toBeLessThan(2_000);
  });

  it('has settings and delegations', async () => {
    const file = await fileWith(
      `logLevel: warn\nnamespaces: [a, b]\nttl: 1m\ndelegations:\n  - { name: greetings, ${base}, api: Greeting@^1 }\n`,
    );
    const { settings, delegations } = await readConfigurationFile(file);
    expect(Object.fromEntries(settings)).toEqual({ logLevel: 'warn', namespaces: ['a', 'b'], ttl: 60_000 });
    expect(delegations).toMatchObject([{ name: 'greetings', api: 'Greeting@^1' }]);
    await expect(readDelegationFile(file)).resolves.toEqual(delegations);
  });

  it('may be empty, unless delegations are required', async () => {
    const file = await fileWith('# nothing yet\n');
    await expect(readConfigurationFile(file)).resolves.toEqual({ settings: new Map(), delegations: [] });
    await expect(readDelegationFile(file)).rejects.toThrow(`${file}: delegations: is missing or empty`);
  });

  it.each([
    ['- a', 'file.yaml:1:1: the file is not a mapping; use a mapping of settings, with a list of delegations'],
    ['delegations: {}', 'file.yaml:1:1: delegations: must be a list'],
    ['delegations: [\n', 'file.yaml:2:1: invalid YAML: Flow sequence in block collection must be'],
    ['delegations: &a [*a]', 'file.yaml:1:18: invalid YAML: The anchor &a contains itself'],
    ['ttl: 1m\nttl: 2m', 'file.yaml:2:1: invalid YAML: Keys of a mapping must be unique'],
    ['a: &a { ttl: 1m }\n<<: *a', 'file.yaml:2:1: invalid YAML: Merge keys (<<) are not part of YAML 1.2'],
    ['__proto__: { manifests: elsewhere }', 'file.yaml:1:1: __proto__: is not a field of this file'],
    ['[[[['.repeat(100), 'file.yaml:1:101: invalid YAML: The document is nested more than 100 levels deep'],
    ['colour: red', 'file.yaml:1:1: colour: is not a field of this file'],
    ['logLevel: loud', 'file.yaml:1:1: logLevel: must be one of trace, debug, info, warn, error, silent'],
    ['\nconcurrency: 0', 'file.yaml:2:1: concurrency: must be a whole number from 1 to 10,000'],
    ['ttl: soon', 'file.yaml:1:1: ttl: is not a duration; use one such as 500ms, 5s or 1m30s'],
    ['namespaces: a', 'file.yaml:1:1: namespaces: expected array, received string'],
    [
      'delegations: [a]\nmore: 1',
      'file.yaml:1:15: delegations[0]: expected object, received string; file.yaml:2:1: more: is not a field of this file',
    ],
    [`delegations:\n  - name: a\n    ${base}`, 'file.yaml:2:5: delegations[0].api: is missing'],
    [
      `delegations:\n  - name: a\n    ${base}\n    api: A@>>1`,
      'file.yaml:4:5: delegations[0].api: "A@>>1" has a malformed version range',
    ],
    [
      `delegations:\n  - name: a\n    ${base}\n    api: A\n    selection:\n      fallback: some`,
      'file.yaml:6:7: delegations[0].selection.fallback: expected one of "any"|"none"',
    ],
    [
      `delegations:\n  - name: a\n    ${base}\n    api: A\n    deadline: soon`,
      'file.yaml:5:5: delegations[0].deadline: "soon" is not a duration',
    ],
    [
      `delegations:\n  - name: a\n    ${base}\n    api: A\n    colour: red`,
      'file.yaml:5:5: delegations[0].colour: is not a field of a delegation',
    ],
    [
      `delegations:\n  - { name: a, ${base}, api: A }\n  - { name: a, ${base}, api: A }`,
      'file.yaml:3:7: delegations[1].name: "a" is already the name of another delegation',
    ],
  ])('%j is rejected with file, line and field', async (text, message) => {
    expect(await faultsOf(text)).toContain(message);
  });
});
