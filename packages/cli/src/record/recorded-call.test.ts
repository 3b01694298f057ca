import { create } from '@bufbuild/protobuf';
import { formatJson, parseJson, ReconcileRequestSchema } from '@kplug/protocol';
import { expect, it } from 'vitest';
import { type RecordedCall, readRequest, writeRequest } from './recorded-call.ts';

it('a recorded call keeps 64-bit integers of its resources', () => {
  const json = Buffer.from('{"kind":"Table","spec":{"size":9223372036854775807}}');
  const request = create(ReconcileRequestSchema, { base: { json } });
  const line = formatJson({ request: writeRequest('Reconcile', request) });
  expect(line).toContain('"size":9223372036854775807');
  const recorded = parseJson(line) as RecordedCall;
  expect(Buffer.from(readRequest('Reconcile', recorded.request).base?.json ?? [])).toEqual(json);
});
