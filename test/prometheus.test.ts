import { spawnSync } from 'node:child_process';
import { OtlpReceiver } from '@kplug/testing';
import { GreetingWorkspace } from '@kplug/testing/kplug';
import { expect, it, vi } from 'vitest';
import type { MetricDefinition } from '../packages/controller/src/telemetry/metric-table/definition.ts';
import { metricTable } from '../packages/controller/src/telemetry/metric-table/table.ts';
import { rows } from '../tools/charts/monitoring/dashboard.ts';
import { withoutVariables } from '../tools/charts/monitoring/panel.ts';
import { findPrometheus } from '../tools/prometheus/find-prometheus.ts';
import { PrometheusServer } from './prometheus-server.ts';
import { startOperatorProgram, startTracedPlugin } from './traces.fixture.ts';

/** A greeting that fails. @param note text by which its spec differs. */
const nobody = (note: string) =>
  `apiVersion: example.org/v1\nkind: Greeting\nmetadata: { name: nobody }\nspec: { to: "", note: ${note} }\n`;
const files = {
  'manifests/one.yaml': 'apiVersion: example.org/v1\nkind: Greeting\nmetadata: { name: one }\nspec: { to: One }\n',
  'manifests/nobody.yaml': nobody('first'),
};

const panels = rows.flatMap((row) => row.panels);

/** Panels without a value here: nothing of this kind happens, or it needs a cluster. */
const quiet = [
  'Leaders',
  'Kinds that cannot be read',
  'Plugins that are suspended',
  'Plugins of the folder',
  'Refused registrations',
  'Proofs of identity',
  'Failed writes',
  'Held resources',
  'Causes of failed writes',
  'Leadership',
  'Requests to the API server',
  'Latency of the API server',
  'Expiry of certificates',
  'Failures of certificates',
  'Refused connections',
];

/** Metrics of the library for Node.js that promtool objects to. */
const objectedOfLibrary =
  /^nodejs_active_(handles|requests|resources)_total non-counter metrics should not have "_total" suffix$/;

it('Prometheus scrapes an operator, and the panels of the dashboard show what it does', {
  timeout: 120_000,
}, async () => {
  await using workspace = await GreetingWorkspace.make(files);
  const { at } = await workspace.startOperator();
  await using prometheus = await PrometheusServer.start(at.adminAddress);
  workspace.startPlugin(at.heartbeatAddress);
  await workspace.greeting('one', 'Hello, One!');

  const values = async () =>
    Promise.all(
      panels.map(async ({ title, queries }) => {
        const answers = await Promise.all(queries.map(({ expr }) => prometheus.query(withoutVariables(expr, '1m'))));
        return { title, samples: answers.flat() };
      }),
    );
  await vi.waitFor(
    async () => {
      // Passes go on, as a rate needs a counter that grows.
      await workspace.write('manifests/nobody.yaml', nobody(crypto.randomUUID()));
      const found = await values();
      expect(found.filter(({ samples }) => samples.length === 0).map(({ title }) => title)).toEqual(quiet);
      const shown = new Map(found.map(({ title, samples }) => [title, samples]));
      const numberOf = (title: string) => Number(shown.get(title)?.[0]?.value[1]);
      expect(numberOf('Ready')).toBe(0.5);
      expect(numberOf('Not ready')).toBe(1);
      expect(numberOf('Live instances')).toBe(1);
      expect(shown.get('Why resources are not ready')).toMatchObject([
        {
          metric: { delegation: 'greetings', state: 'failing', reason: 'NobodyGreeted' },
          value: [expect.any(Number), '1'],
        },
      ]);
      expect(shown.get('Why passes fail')?.map(({ metric }) => metric)).toEqual([
        { delegation: 'greetings', reason: 'NobodyGreeted' },
      ]);
    },
    { timeout: 90_000, interval: 500 },
  );
});

it('Prometheus takes exemplars that link passes and calls to their traces', { timeout: 120_000 }, async () => {
  await using collector = await OtlpReceiver.start();
  const operator = await startOperatorProgram(collector.environment);
  await using prometheus = await PrometheusServer.start(operator.at.adminAddress);
  startTracedPlugin(operator, collector.environment);
  await collector.waitFor(({ service, kind }) => service === 'kplug-operator' && kind === 'client');
  for (const title of ['Duration of passes', 'Duration of calls']) {
    const [query] =
      panels.find((panel) => panel.title === title)?.queries.filter(({ hasExemplars }) => hasExemplars) ?? [];
    await vi.waitFor(
      async () => {
        const exemplars = await prometheus.exemplars(withoutVariables(query?.expr ?? '', '1m'));
        const traces = new Set(collector.spans.map(({ traceId }) => traceId));
        expect(exemplars.filter(({ labels }) => traces.has(labels.trace_id ?? ''))).not.toEqual([]);
      },
      { timeout: 30_000, interval: 200 },
    );
  }
});

it('promtool accepts the metrics of a running operator, which are those of the table', {
  timeout: 60_000,
}, async () => {
  await using workspace = await GreetingWorkspace.make(files);
  const { at } = await workspace.startOperator();
  workspace.startPlugin(at.heartbeatAddress);
  const read = async () =>
    (await fetch(`http://${at.adminAddress}/metrics`, { headers: { accept: 'text/plain' } })).text();
  const text = await vi.waitFor(
    async () => {
      const metrics = await read();
      expect(metrics).toContain('kplug_resources{delegation="greetings",state="ready"} 1');
      expect(metrics).toContain('kplug_pass_failures_total{delegation="greetings",reason="NobodyGreeted"} 1');
      return metrics;
    },
    { timeout: 30_000, interval: 100 },
  );

  const { promtool } = await findPrometheus((message) => console.error(message));
  const { stderr, error } = spawnSync(promtool, ['check', 'metrics'], { input: text, encoding: 'utf8' });
  if (error) throw error;
  expect(stderr.split('\n').filter((line) => line !== '' && !objectedOfLibrary.test(line))).toEqual([]);

  // Without a cluster, there are no certificates and no election.
  const elsewhere = [metricTable.certificateExpiry.name, metricTable.leadership.name] as string[];
  for (const { name, type } of Object.values<MetricDefinition>(metricTable)) {
    if (!elsewhere.includes(name)) expect(text).toContain(`# TYPE ${name} ${type}\n`);
  }
  const reasons = [...text.matchAll(/\b(?:reason|state|result)="([^"]*)"/g)].map(([, value]) => value);
  expect(reasons.length).toBeGreaterThan(5);
  for (const reason of reasons) expect(reason).toMatch(/^[A-Za-z][\w-]*$/);
});
