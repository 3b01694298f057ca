import { PassThrough } from 'node:stream';
import { expect, it, vi } from 'vitest';
import { ask, type PluginChoice } from './ask.ts';

const enter = '\r';
const down = '\u001b[B';
const interrupt = '\u0003';

/** Answers each question, when it is asked, with keys. */
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

it('asks for everything, and offers what fits to what was answered', async () => {
  const choice = await interview({}, [
    ['Where should it be made?', `tables${enter}`],
    ['In which language?', `${down}${enter}`],
    ["What is the plugin's name?", enter],
    ['What is the kind of its resources?', enter],
    ["What is the kind's group?", enter],
    ['What is the plugin API that it implements?', enter],
    ['What is its image, without a tag?', enter],
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

it('asks only for what is not given, and again for what can not be', async () => {
  const given: PluginChoice = { folder: 'x', language: 'go', name: 'X', kind: 'Table', group: 'a.org', image: 'x/y' };
  const choice = await interview(given, [
    ['What is the plugin API that it implements?', `@@${enter}`],
    [`"Table@@" can't be`, `\u007f\u007f${enter}`],
  ]);
  expect(choice).toEqual({ ...given, api: 'Table' });
});

it('gives up when it is interrupted', async () => {
  const asked = interview({}, [['Where should it be made?', interrupt]]);
  await expect(asked).rejects.toThrow('given up; nothing was written');
});
