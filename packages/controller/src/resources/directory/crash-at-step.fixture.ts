import { writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { MemoryResources } from '../memory/memory-resources.ts';
import { readStates } from './read-states.ts';
import { StateStore } from './state-store.ts';
import { tableKey, tables } from './testing.ts';

/** Writes states, prints each acknowledged one, and kills itself before or within one of its operations on files. */
const [folder = '', step = ''] = process.argv.slice(2);
const handle = await open(import.meta.filename);
const prototype = Object.getPrototypeOf(handle);
await handle.close();
let count = 0;
for (const method of ['write', 'datasync', 'sync', 'truncate', 'stat'] as const) {
  const operate = prototype[method];
  prototype[method] = async function (...args: unknown[]) {
    count += 1;
    if (count === Number(step)) {
      const [data, offset, length, position] = args as [Buffer, number, number, number];
      if (method === 'write') await operate.call(this, data, offset, Math.floor(length / 2), position);
      process.kill(process.pid, 'SIGKILL');
    }
    return operate.apply(this, args);
  };
}

const resources = new MemoryResources();
const { states, journal } = await readStates(folder);
for (const { source: _, ...stored } of states) resources.restore(stored);
const store = new StateStore({
  folder,
  journal,
  all: () => resources.all(),
  sourceOf: () => 'a.yaml',
  onFailure: () => undefined,
});
for (let columns = 1; columns <= 4; columns += 1) {
  const names = ['users', `table-${columns}`];
  if (columns === 3) store.rewrite();
  for (const name of names) {
    resources.apply({ ...tables, metadata: { name }, spec: { columns, padding: 'x'.repeat(300_000) } });
    store.changed(tableKey(name), resources.stored(tableKey(name)));
  }
  if (columns > 1) {
    resources.delete(tableKey(`table-${columns - 1}`));
    store.changed(tableKey(`table-${columns - 1}`), undefined);
  }
  await Promise.all(names.map((name) => store.durable(tableKey(name))));
  writeSync(1, `${columns}\n`);
}
await store.close();
writeSync(1, `done ${count}\n`);
