import { describe, expect, it } from 'vitest';
import { Metrics } from './metrics.ts';

describe('Metrics', () => {
  it('limits the number of plugins with a separate label', async () => {
    const metrics = new Metrics();
    for (let index = 0; index < 1_000; index++) {
      metrics.called({ plugin: `plugin-${index}`, method: 'Reconcile', code: 'OK', failed: false, duration: 1 });
    }
    const text = await metrics.registry.metrics();
    const counts = text.match(/^kplug_plugin_call_duration_seconds_count\{.*$/gm) ?? [];
    expect(counts).toHaveLength(101);
    expect(counts.find((line) => line.includes('plugin="other"'))).toMatch(/ 900$/);
  });

  it('counts failed passes as errors and retries', async () => {
    const metrics = new Metrics();
    metrics.passed('tables', 'settled', false);
    metrics.passed('tables', 'retry', true);
    const text = await metrics.registry.metrics();
    expect(text).toContain('controller_runtime_reconcile_errors_total{controller="tables"} 1');
    expect(text).toContain('workqueue_retries_total{name="tables"} 1');
  });

  it('counts failures by a reason that is a word, whoever chose it', async () => {
    const metrics = new Metrics();
    metrics.failed('tables', 'QuotaExceeded');
    metrics.failed('tables', '42');
    metrics.writeFailed('tables', 'Forbidden');
    const text = await metrics.registry.metrics();
    expect(text.match(/^kplug_(pass|write)_failures_total\{.*$/gm)).toEqual([
      'kplug_pass_failures_total{delegation="tables",reason="QuotaExceeded"} 1',
      'kplug_pass_failures_total{delegation="tables",reason="other"} 1',
      'kplug_pass_failures_total{delegation="tables",reason="Forbidden"} 1',
      'kplug_write_failures_total{delegation="tables",reason="Forbidden"} 1',
    ]);
  });

  it('limits the number of delegations with a separate label', async () => {
    const metrics = new Metrics();
    for (let index = 0; index < 1_000; index++) metrics.queued(`delegation-${index}`);
    const counts = (await metrics.registry.metrics()).match(/^workqueue_adds_total\{.*$/gm) ?? [];
    expect(counts).toHaveLength(201);
    expect(counts.at(-1)).toBe('workqueue_adds_total{name="other"} 800');
  });
});
