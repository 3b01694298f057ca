import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { parseKey } from '@kplug/controller';
import { DelegationService, type Diagnosis, ResourceState } from '@kplug/protocol';
import { describe, expect, it, vi } from 'vitest';
import { causes, type StartedCause } from './ten-causes.fixture.ts';

const waiting = { timeout: 20_000, interval: 20 };

function clientOf({ adminUrl }: StartedCause) {
  return createClient(DelegationService, createConnectTransport({ baseUrl: adminUrl, httpVersion: '1.1' }));
}

/** Waits until the diagnosis of a resource is as expected. */
async function expectDiagnosis(started: StartedCause): Promise<Diagnosis> {
  const client = clientOf(started);
  return vi.waitFor(async () => {
    const { diagnosis } = await client.traceResource(parseKey(started.key));
    expect(diagnosis?.summary).toMatch(started.expected);
    expect(diagnosis?.advice).toMatch(started.advice);
    if (started.detail) expect(diagnosis?.details).toContainEqual(expect.stringMatching(started.detail));
    if (started.stale) expect(diagnosis?.stale).toContainEqual(expect.stringMatching(started.stale));
    return diagnosis as Diagnosis;
  }, waiting);
}

describe('the diagnosis of a resource names the cause and what to do next when', () => {
  it.each(causes)('$title', { timeout: 60_000 }, async ({ start }) => {
    const started = await start();
    const diagnosis = await expectDiagnosis(started);
    expect([ResourceState.WAITING, ResourceState.FAILING]).toContain(diagnosis.state);

    // The overview counts the resource under the same cause, which finds it.
    const client = clientOf(started);
    const stop = new AbortController();
    for await (const { delegations } of client.watchSummary({}, { signal: stop.signal })) {
      const [cause] = delegations[0]?.causes ?? [];
      if (!started.expected.test(cause?.summary ?? '')) continue;
      expect(cause).toMatchObject({ state: diagnosis.state, resources: 1, example: started.key });
      const { resources, total } = await client.searchResources({ cause: cause?.id ?? '' });
      expect([total, resources[0]?.key]).toEqual([1, started.key]);
      break;
    }
    stop.abort();
  });
});
