import { create } from '@bufbuild/protobuf';
import { ReconcileRequestSchema } from '@kplug/protocol';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { pluginHandlers } from './plugin-service.ts';

it('logs the stack of an error once, and then only its message', async () => {
  const lines: { level: number; msg: string; attempt: number; err?: { stack: string } }[] = [];
  const log = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line)) });
  const reconcile = ({ attempt }: { attempt: number }) => {
    throw new Error(`no connection at attempt ${attempt}`);
  };
  const handlers = pluginHandlers({ api: 'Table@1.0.0', reconcile }, log);
  const resource = { apiVersion: 'v1', kind: 'Table', metadata: { name: 'users', uid: '1', generation: 1 } };
  const base = { json: Buffer.from(JSON.stringify(resource)) };
  for (const attempt of [1, 2, 3]) {
    const request = create(ReconcileRequestSchema, { base, assignment: {}, context: { attempt } });
    await handlers.reconcile(request, new AbortController().signal);
  }
  expect(lines.map(({ level, msg, attempt, err }) => [level, attempt, msg, Boolean(err?.stack)])).toEqual([
    [50, 1, 'the call failed with an unexpected error', true],
    [50, 2, 'the call failed again with an unexpected error: no connection at attempt 2', false],
    [50, 3, 'the call failed again with an unexpected error: no connection at attempt 3', false],
  ]);
});
