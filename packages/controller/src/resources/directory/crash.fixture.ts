import { pino } from 'pino';
import { openDirectory } from './open-directory.ts';

/** Writes statuses as fast as it can until it is killed, and prints each acknowledged write. */
const [directory = ''] = process.argv.slice(2);
const resources = await openDirectory({ directory, logger: pino({ level: 'silent' }) });
await Promise.all(
  resources.list({ apiVersion: 'example.org/v1', kind: 'Table' }).map(async ({ metadata, status }) => {
    const key = `example.org/v1/Table/default/${metadata.name}`;
    const options = { uid: metadata.uid, fieldManager: 'kplug/tables' };
    for (let count = Number(status?.count ?? 0) + 1; ; count += 1) {
      await resources.applyStatus(key, { count, padding: String(count % 10).repeat(50_000) }, options);
      process.stdout.write(`${metadata.name} ${count}\n`);
    }
  }),
);
