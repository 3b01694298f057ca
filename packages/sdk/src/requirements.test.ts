import { create } from '@bufbuild/protobuf';
import { FinalizeRequestSchema, Outcome, ReconcileRequestSchema } from '@kplug/protocol';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { FinalizeResult, ReconcileInput, ReconcileResult } from './plugin.ts';
import { pluginHandlers } from './plugin-service.ts';

const log = pino({ level: 'silent' });
const { signal } = new AbortController();
const json = (name: string, kind = 'ConfigMap') => {
  const resource = { apiVersion: 'v1', kind, metadata: { name, uid: '1', generation: 1 }, data: { size: '3' } };
  return { json: Buffer.from(JSON.stringify(resource)) };
};
const plan = { apiVersion: 'v1', kind: 'ConfigMap', name: 'plan' };

function call(reconcile: (input: ReconcileInput) => ReconcileResult, given: object = {}) {
  const context = { attempt: 1, supportsRequirements: true };
  const request = create(ReconcileRequestSchema, { base: json('users', 'Table'), context, ...given });
  return pluginHandlers({ api: 'Table@1.0.0', reconcile }, log).reconcile(request, signal);
}

describe('required resources', () => {
  it('are asked for by name or labels', async () => {
    const keys = { apiVersion: 'v1', kind: 'Secret', namespace: 'shared', labels: { tier: 'gold' } };
    const answer = await call(() => ({ require: { plan, keys } }));
    expect(answer).toMatchObject({
      outcome: Outcome.SUCCESS,
      requirements: {
        plan: { ...plan, namespace: '', labels: {} },
        keys: { ...keys, name: '' },
      },
    });
  });

  it('are found, missing or unasked', async () => {
    const required = { plan: { items: [json('plan'), json('more')] }, keys: {} };
    let seen: unknown[] = [];
    await call(
      ({ required: given }) => {
        seen = [
          given.get<{ data: { size: string } }>('plan')?.data.size,
          given.all('plan').map(({ metadata }) => metadata.name),
          [given.has('keys'), given.get('keys'), given.all('keys')],
          [given.has('other'), given.get('other'), given.has('constructor'), given.all('constructor')],
        ];
        return {};
      },
      { required },
    );
    expect(seen).toEqual(['3', ['plan', 'more'], [true, undefined, []], [false, undefined, false, []]]);
  });

  it('are an error of a controller that does not read requirements, and none of one that is not asked', async () => {
    const context = { attempt: 1 };
    expect(await call(() => ({ require: { plan } }), { context })).toMatchObject({
      outcome: Outcome.TERMINAL,
      messages: [{ reason: 'RequirementsUnsupported' }],
    });
    expect(await call(() => ({ require: {} }), { context })).toMatchObject({ outcome: Outcome.SUCCESS });
  });

  it('delay the end of a finalization until the call brings them', async () => {
    const finalize = (): FinalizeResult => ({ require: { plan } });
    const handlers = pluginHandlers({ api: 'Table@1.0.0', reconcile: () => ({}), finalize }, log);
    const request = (required: Record<string, { items: [] }>) => {
      const context = { supportsRequirements: true };
      return create(FinalizeRequestSchema, { base: json('users', 'Table'), context, required });
    };
    expect(await handlers.finalize(request({}), signal)).toMatchObject({
      outcome: Outcome.RETRY,
      requirements: { plan: { name: 'plan' } },
      messages: [{ reason: 'RequiresResources' }],
    });
    expect(await handlers.finalize(request({ plan: { items: [] } }), signal)).toMatchObject({
      outcome: Outcome.SUCCESS,
    });
  });
});
