import { execFile } from 'node:child_process';
import { access, readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { GreetingWorkspace } from '@kplug/testing/kplug';
import { expect, it, vi } from 'vitest';

const names = ['a', 'b', 'c'];
const shell = promisify(execFile);

/** Returns the manifest of a greeting. */
function greeting(name: string, to = name): string {
  return `---\napiVersion: example.org/v1\nkind: Greeting\nmetadata: { name: ${name} }\nspec: { to: ${to} }\n`;
}

it('finalizes nothing while a generator rewrites a file slowly, and applies what it wrote', async () => {
  await using workspace = await GreetingWorkspace.make({
    'manifests/all.yaml': names.map((name) => greeting(name)).join(''),
  });
  const operator = await workspace.startOperator();
  workspace.startPlugin(operator.at.heartbeatAddress);
  for (const name of names) await workspace.greeting(name, `Hello, ${name}!`);
  const gone: string[] = [];
  const watching = setInterval(async () => {
    const files = await readdir(workspace.path('out'));
    gone.push(...names.filter((name) => !files.includes(`${name}.txt`)));
  }, 20);
  for (const round of ['one', 'two']) {
    for (const name of names) await workspace.write(`next/${name}.yaml`, greeting(name, `${name}-${round}`));
    const generator = round === 'one' ? '{ sleep 1; cat next/*; }' : '{ for f in next/*; do cat $f; sleep 1.5; done; }';
    await shell('/bin/sh', ['-c', `${generator} > manifests/all.yaml`], { cwd: workspace.folder });
    for (const name of names) await workspace.greeting(name, `Hello, ${name}-${round}!`);
  }
  clearInterval(watching);
  expect(gone).toEqual([]);

  await workspace.write('manifests/all.yaml', greeting('a'));
  await workspace.greeting('a', 'Hello, a!');
  await vi.waitFor(() => expect(access(workspace.path('out/b.txt'))).rejects.toThrow(), { timeout: 20_000 });
});
