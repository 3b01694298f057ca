import { Outcome } from '@kplug/protocol';
import type { Operation } from '@kplug/sdk';
import { keyFor, TestOperator } from '@kplug/testing';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { json, type Lie, LiedToOperator } from './lying-plugin.fixture.ts';

const backOff = { initial: 5, max: 20 };
const taken = json({ taken: true });
const waiting = { timeout: 10_000, interval: 5 };

describe('a plugin that lies about its progress', () => {
  it.each<[string, Lie, string]>([
    // Without the check, each status and each call would carry a token of any size.
    [
      'a token of 1,025 bytes',
      { progress: { token: `${'é'.repeat(512)}a` } },
      'token of its operation has 1,025 bytes',
    ],
    // Without the check, statuses, tools and metrics would get percentages that can't be.
    ['101 %', { progress: { percentage: 101 } }, 'a progress of 101 %'],
    ['4,294,967,295 %', { progress: { percentage: 4_294_967_295 } }, 'a progress of 4294967295 %'],
    // Without the check, a resource would be ready while an operation is in progress.
    ['progress with success', { outcome: Outcome.SUCCESS, progress: {} }, 'with another outcome than RETRY'],
    ['progress with a terminal failure', { outcome: Outcome.TERMINAL, progress: {} }, 'with another outcome'],
    // Without the check, the message would fill the status.
    ['a message of 33 kB', { progress: { message: 'x'.repeat(33_000) } }, 'its progress has 33,000 characters'],
  ])('is refused: %s', async (_, lie, message) => {
    const lied = await LiedToOperator.start({ outcome: Outcome.RETRY, baseStatus: taken, ...lie }, { backOff });
    await lied.expectRefused('InvalidResponse', message);
    expect(lied.operator.get('victim')?.status).not.toHaveProperty('operationsInProgress');
  });

  // Without the bound, each change of its percentage would be another Event, which the cluster stores for an hour.
  it('records one Event, however often it changes its percentage', async () => {
    const lines: string[] = [];
    const stream = { write: (line: string) => void (line.includes('"InProgress"') && lines.push(line)) };
    const operator = await TestOperator.start({ minRequeueInterval: 1 }, { logger: pino({ level: 'info' }, stream) });
    let calls = 0;
    await operator.plugin({
      name: 'Flapping',
      reconcile: () => {
        calls++;
        return { progress: { percentage: calls % 100, token: `job-${calls}`, after: 1 } };
      },
    });
    operator.table('victim');
    await vi.waitFor(() => expect(calls).toBeGreaterThan(50), waiting);
    expect(lines).toHaveLength(1);
  });
});

describe('a user who may write statuses', () => {
  // Without the checks, what a user writes would reach the plugin at any size, or end the passes over the resource.
  it.each([
    ['no list', 'everything'],
    ['no operations', [1, null, 'x', {}]],
    [
      'a huge token',
      [{ plugin: 'Honest', generation: 1, content: 'x', since: '2026-01-01T00:00:00Z', token: 'x'.repeat(100_000) }],
    ],
    ['a time that is none', [{ plugin: 'Honest', generation: 1, content: 'x', since: 'soon', token: 'x' }]],
    [
      'a percentage that is none',
      [
        {
          plugin: 'Honest',
          generation: 1,
          content: 'x',
          since: '2026-01-01T00:00:00Z',
          percentage: 1e9,
          message: 'x'.repeat(100_000),
        },
      ],
    ],
  ])('cannot disturb by %s', async (_, operationsInProgress) => {
    const operator = new TestOperator();
    operator.table('victim');
    const { uid = '' } = operator.get('victim')?.metadata ?? {};
    await operator.resources.applyStatus(
      keyFor('Table', 'victim'),
      { operationsInProgress },
      { uid, fieldManager: 'user' },
    );
    await operator.controller.start();
    const seen: (Operation | undefined)[] = [];
    await operator.plugin({ name: 'Honest', reconcile: ({ operation }) => void seen.push(operation) });
    await operator.expectReady('victim');
    await operator.controller.stop();
    expect(seen[0]?.token ?? '').toBe('');
    expect(seen[0]?.message.length ?? 0).toBeLessThanOrEqual(1_024);
    expect(seen[0]?.percentage).toBeUndefined();
  });
});
