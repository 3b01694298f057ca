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
    metrics.passed('tables', 'settled');
    metrics.passed('tables', 'retry');
    const text = await metrics.registry.metrics();
    expect(text).toContain('controller_runtime_reconcile_errors_total{controller="tables"} 1');
    expect(text).toContain('workqueue_retries_total{name="tables"} 1');
  });
});
