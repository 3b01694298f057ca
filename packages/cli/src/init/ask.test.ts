import { PassThrough } from 'node:stream';
import { expect, it, vi } from 'vitest';
import { ask, type ProjectChoice } from './ask.ts';

const enter = '\r';
const down = '\u001b[B';
const interrupt = '\u0003';

/** Sends keys as the answer to each question when it appears. */
async function interview(given: ProjectChoice, answers: [question: string, keys: string][]): Promise<ProjectChoice> {
  const input = new PassThrough();
  const output = new PassThrough();
  let shown = '';
  output.on('data', (chunk) => {
    shown += chunk;
  });
  const asked = ask(given, { input, output });
  asked.catch(() => undefined);
  for (const [question, keys] of answers) {
    await vi.waitFor(() => expect(shown).toContain(question), { timeout: 10_000 });
    input.write(keys);
  }
  return await asked;
}

it('asks for all options, with defaults derived from earlier answers', async () => {
  const choice = await interview({}, [
    ['Create', enter],
    ['Directory', `tables${enter}`],
    ['Language', `${down}${enter}`],
    ['Name', enter],
    ['Kind of the resources', enter],
    ['API group of the kind', enter],
    ['Plugin API', enter],
    ['Image without a tag', enter],
  ]);
  expect(choice).toEqual({
    project: 'plugin',
    folder: 'tables',
    language: 'python',
    name: 'Tables',
    kind: 'AddressPlan',
    group: 'example.org',
    api: 'AddressPlan',
    image: 'ghcr.io/example/tables',
  });
});

it('asks only for missing options, and again for invalid ones', async () => {
  const names = { name: 'X', kind: 'Table', group: 'a.org', image: 'x/y' };
  const given: ProjectChoice = { project: 'plugin', folder: 'x', language: 'go', ...names };
  const choice = await interview(given, [
    ['Plugin API', `@@${enter}`],
    [`"Table@@" is not a valid`, `\u007f\u007f${enter}`],
  ]);
  expect(choice).toEqual({ ...given, api: 'Table' });
});

it('asks for no language of an operator', async () => {
  const choice = await interview({ kind: 'Table', group: 'a.org', api: 'Table', image: 'x/y' }, [
    ['Create', `${down}${enter}`],
    ['Directory', enter],
    ['Name', enter],
  ]);
  expect(choice).toMatchObject({ project: 'operator', folder: './my-operator', name: 'MyOperator' });
  expect(choice).not.toHaveProperty('language');
});

it.each([
  ['at the first question', [['Create', interrupt]]],
  [
    'at a later one',
    [
      ['Create', enter],
      ['Directory', interrupt],
    ],
  ],
] as [string, [string, string][]][])('cancels when it is interrupted %s', async (_, answers) => {
  await expect(interview({}, answers)).rejects.toThrow('cancelled; no file was written');
});

it('refuses a directory that is not empty before it asks for more', async () => {
  const asked = interview({ project: 'plugin' }, [['Directory', `${import.meta.dirname}${enter}`]]);
  await expect(asked).rejects.toThrow(/is not empty: it contains .*give a new or empty directory/);
});
