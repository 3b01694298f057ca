import { describe, expect, it } from 'vitest';
import { readDelegationFile } from './delegation-file.ts';
import { delegation, GreetingWorkspace } from './testing/greeting-workspace.ts';

async function read(text: string) {
  await using workspace = await GreetingWorkspace.make({ 'file.yaml': text });
  try {
    return await readDelegationFile(workspace.path('file.yaml'));
  } catch (error) {
    throw new Error((error as Error).message.replaceAll(`${workspace.folder}/`, ''));
  }
}

const base = 'base: { apiVersion: example.org/v1, kind: Greeting }';

describe('a delegation file', () => {
  it('declares delegations', async () => {
    expect(await read(delegation)).toMatchObject([{ name: 'greetings', api: 'Greeting@^1.0.0' }]);
  });

  it.each([
    ['', 'file.yaml:1:1: the file is malformed; it must be a mapping with a list of delegations'],
    ['- a', 'file.yaml:1:1: the file is malformed; it must be a mapping with a list of delegations'],
    ['{}', 'file.yaml:1:1: delegations: is missing or empty; it must be a mapping with a list of delegations'],
    [
      'delegations: []',
      'file.yaml:1:1: delegations: is missing or empty; it must be a mapping with a list of delegations',
    ],
    ['delegations: [\n', 'file.yaml:2:1: this is not sound YAML: Flow sequence in block collection must be'],
    [
      'delegations: [a]\nmore: 1',
      'file.yaml:1:15: delegations[0]: expected object, received string; file.yaml:2:1: more: is no field of this file',
    ],
    [`delegations:\n  - name: a\n    ${base}`, 'file.yaml:2:5: delegations[0].api: is missing'],
    [
      `delegations:\n  - name: a\n    ${base}\n    api: A@>>1`,
      'file.yaml:4:5: delegations[0].api: "A@>>1" has a malformed version range',
    ],
    [
      `delegations:\n  - name: a\n    ${base}\n    api: A\n    selection:\n      fallback: some`,
      'file.yaml:6:7: delegations[0].selection.fallback: expected one of "any"|"none", or expected array',
    ],
    [
      `delegations:\n  - name: a\n    ${base}\n    api: A\n    deadline: soon`,
      'file.yaml:5:5: delegations[0].deadline: "soon" is no duration',
    ],
    [
      `delegations:\n  - name: a\n    ${base}\n    api: A\n    colour: red`,
      'file.yaml:5:5: delegations[0].colour: is no field of a delegation',
    ],
    [
      `delegations:\n  - { name: a, ${base}, api: A }\n  - { name: a, ${base}, api: A }`,
      'file.yaml:3:7: delegations[1].name: "a" is the name of an earlier delegation',
    ],
  ])('%j is refused with file, line and field', async (text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });
});
