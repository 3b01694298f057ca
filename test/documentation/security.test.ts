import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);

it('the threat model names every file of the attack suite, and no other', async () => {
  const text = await readFile(new URL('SECURITY.md', root), 'utf8');
  const named = new Set([...text.matchAll(/\(test\/attacks\/([\w-]+\.test\.ts)\)/g)].map(([, file]) => file));
  const files = (await readdir(new URL('test/attacks/', root))).filter((file) => file.endsWith('.test.ts'));
  expect([...named].toSorted()).toEqual(files.toSorted());
});
