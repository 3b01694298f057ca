import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ClusterObject } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { alertRules, runbooks } from '../tools/charts/monitoring/alert-rules.ts';
import { alerts } from '../tools/charts/monitoring/alerts.ts';
import { unknownNames } from '../tools/charts/monitoring/known-names.ts';
import { findPrometheus } from '../tools/prometheus/find-prometheus.ts';
import { type AlertCase, alertCases } from './alert-cases.ts';
import { helm, helmTimeout, only, render } from './testing.ts';

const run = promisify(execFile);
const values = { metrics: { rules: { enabled: true, labels: { release: 'prometheus' } } } };

let promtool: string;
let folder: string;
let rulesFile: string;

beforeAll(async () => {
  ({ promtool } = await findPrometheus((message) => console.error(message)));
  await helm('version');
  folder = await mkdtemp(join(tmpdir(), 'kplug-alerts-'));
  rulesFile = join(folder, 'rules.yaml');
  await writeFile(rulesFile, alertRules());
}, helmTimeout);

afterAll(() => rm(folder, { recursive: true, force: true }));

it('promtool accepts the rules', async () => {
  expect((await run(promtool, ['check', 'rules', rulesFile])).stdout).toContain(`${alerts.length} rules found`);
});

it.each(alerts)('$name names only metrics and labels that the operator has', ({ expr }) => {
  expect(unknownNames(expr)).toEqual([]);
});

it.each(alerts)('$name has a section in its runbook, which an alert links', async ({ name }) => {
  const page = await readFile('docs/alerts.md', 'utf8');
  expect(page.split('\n')).toContain(`## ${name}`);
  expect(alertRules()).toContain(`runbook_url: ${runbooks}#${name.toLowerCase()}\n`);
});

describe.each(alertCases)('$alert ($description)', (one) => {
  it('fires, but not before its time', async () => {
    await testRules(one.fires, [
      { eval_time: one.notBefore, alertname: one.alert, exp_alerts: [] },
      { eval_time: one.at ?? '1h', alertname: one.alert, exp_alerts: [expected(one)] },
    ]);
  });

  it.each(one.silent.map((series) => [series]))('does not fire with %j', async (series) => {
    const times = Array.from({ length: 18 }, (_, index) => `${index * 5 + 1}m`);
    await testRules(
      series,
      times.map((time) => ({ eval_time: time, alertname: one.alert, exp_alerts: [] })),
    );
  });
});

it('every alert has a case in which it fires, and one in which it does not', () => {
  const withSilence = alertCases.filter(({ silent }) => silent.length > 0);
  expect(new Set(withSilence.map(({ alert }) => alert))).toEqual(new Set(alerts.map(({ name }) => name)));
});

describe('the chart', () => {
  it('has the alerts of its own operator, with the labels of the values', async () => {
    const { metadata, spec } = ruleOf(await render('kplug', values, 'obs'));
    expect(metadata.labels).toMatchObject({ release: 'prometheus', 'app.kubernetes.io/name': 'kplug' });
    const rules = spec.groups.flatMap((group) => group.rules);
    expect(rules.map(({ alert }) => alert)).toEqual(alerts.map(({ name }) => name));
    for (const { expr } of rules) {
      expect(expr).toContain('{namespace="obs", job="try-kplug-admin"');
      expect(expr).not.toContain('=~".+"');
    }
    const file = join(folder, 'rendered.yaml');
    await writeFile(file, stringify(spec));
    expect((await run(promtool, ['check', 'rules', file])).stdout).toContain(`${alerts.length} rules found`);
  });

  it('takes another selector and another runbook', async () => {
    const rules = { enabled: true, selector: 'team="a"', runbookUrl: 'https://wiki.example.org/kplug/' };
    const { spec } = ruleOf(await render('kplug', { metrics: { rules } }));
    const [first] = spec.groups.flatMap((group) => group.rules);
    expect(first?.expr).toBe('absent(kplug_build_info{team="a"})');
    expect(first?.annotations.runbook_url).toBe('https://wiki.example.org/kplug/#kplugoperatorabsent');
  });

  it('has none by default, and says what they need', async () => {
    expect((await render('kplug', {})).filter(({ kind }) => kind === 'PrometheusRule')).toEqual([]);
    const without = { metrics: { service: { enabled: false }, rules: { enabled: true } } };
    await expect(render('kplug', without)).rejects.toThrow('metrics.rules.enabled needs metrics.service.enabled');
  });
});

interface Rule {
  alert: string;
  expr: string;
  annotations: Record<string, string>;
}

type PrometheusRule = ClusterObject & { spec: { groups: { rules: Rule[] }[] } };

function ruleOf(objects: readonly ClusterObject[]): PrometheusRule {
  return only(objects, 'PrometheusRule') as PrometheusRule;
}

function expected({ alert, labels, description }: AlertCase): object {
  const { severity, summary } = alerts.find(({ name }) => name === alert) ?? {};
  return {
    exp_labels: { ...labels, severity },
    exp_annotations: { summary, description, runbook_url: `${runbooks}#${alert.toLowerCase()}` },
  };
}

/** Runs a unit test of the rules. Rejects with what promtool expected and found. */
async function testRules(series: AlertCase['fires'], alertTests: object[]): Promise<void> {
  const file = join(folder, `${crypto.randomUUID()}.yaml`);
  const tests = {
    interval: '1m',
    input_series: Object.entries(series).map(([name, numbers]) => ({ series: name, values: numbers })),
    alert_rule_test: alertTests,
  };
  await writeFile(file, stringify({ rule_files: [rulesFile], evaluation_interval: '1m', tests: [tests] }));
  await run(promtool, ['test', 'rules', file]).catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`${error.stdout}${error.stderr}`);
  });
}
