import { ResourceState } from '@kplug/protocol';
import { describe, expect, it } from 'vitest';
import { causes, clientOf, expectDiagnosis } from './ten-causes.fixture.ts';

describe('the diagnosis of a resource names the cause and what to do next when', () => {
  it.each(causes)('$title', { timeout: 120_000 }, async ({ start }) => {
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
