import { PassThrough } from 'node:stream';
import { expect, it, vi } from 'vitest';
import { ask, type PluginChoice } from './ask.ts';

const enter = '\r';
const down = '\u001b[B';
const interrupt = '\u0003';

/** Sends keys as the answer to each question when it appears. */
async function interview(given: PluginChoice, answers: [question: string, keys: string][]): Promise<PluginChoice> {
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
    ['Directory', `tables${enter}`],
    ['Language', `${down}${enter}`],
    ['Plugin name', enter],
    ['Kind of the resources', enter],
    ['API group of the kind', enter],
    ['Plugin API', enter],
    ['Image without a tag', enter],
  ]);
  expect(choice).toEqual({
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
  const given: PluginChoice = { folder: 'x', language: 'go', name: 'X', kind: 'Table', group: 'a.org', image: 'x/y' };
  const choice = await interview(given, [
    ['Plugin API', `@@${enter}`],
    [`"Table@@" is not a valid`, `\u007f\u007f${enter}`],
  ]);
  expect(choice).toEqual({ ...given, api: 'Table' });
});

it('cancels when it is interrupted', async () => {
  const asked = interview({}, [['Directory', interrupt]]);
  await expect(asked).rejects.toThrow('cancelled; no file was written');
});
