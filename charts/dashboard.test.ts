import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ClusterObject } from '@kplug/testing/control-plane';
import { beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { dashboard, rows, variables } from '../tools/charts/monitoring/dashboard.ts';
import { unknownNames } from '../tools/charts/monitoring/known-names.ts';
import { withoutVariables } from '../tools/charts/monitoring/panel.ts';
import { findPrometheus } from '../tools/prometheus/find-prometheus.ts';
import { helm, helmTimeout, only, render } from './testing.ts';

const panels = rows.flatMap((row) => row.panels);
const queries = panels.flatMap(({ title, queries: all }) => all.map((query) => ({ title, ...query })));

beforeAll(async () => void (await helm('version')), helmTimeout);

it.each(queries)('$title: $expr names only metrics and labels that the operator has', ({ expr, legend }) => {
  expect(unknownNames(withoutVariables(expr))).toEqual([]);
  // Only labels that the result has are in the legend.
  for (const [, label] of legend.matchAll(/\{\{(\w+)\}\}/g)) {
    expect(expr).toMatch(new RegExp(`by \\((.*, )?${label}\\b|^[a-z0-9_]+\\{`));
  }
});

it('promtool accepts each expression', async () => {
  const { promtool } = await findPrometheus((message) => console.error(message));
  const folder = await mkdtemp(join(tmpdir(), 'kplug-dashboard-'));
  try {
    const rules = queries.map(({ expr }, index) => ({ record: `panel:${index}`, expr: withoutVariables(expr) }));
    const file = join(folder, 'expressions.yaml');
    await writeFile(file, stringify({ groups: [{ name: 'dashboard', rules }] }));
    const { stdout } = await promisify(execFile)(promtool, ['check', 'rules', file]);
    expect(stdout).toContain(`${queries.length} rules found`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

it('every panel says what it shows, in a title of its own', () => {
  expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
  for (const { description, title } of panels) expect(description, title).toMatch(/^[`A-Z0-9].*\.$/);
});

it('every query is restricted by the variables of its namespace and operator', () => {
  for (const { expr, title } of queries) expect(expr, title).toContain('namespace=~"$namespace", job=~"$job"');
  for (const { metric } of variables) expect(unknownNames(metric)).toEqual([]);
});

it('panels are in a grid of 24 columns, and do not overlap', () => {
  const { panels: placed } = JSON.parse(dashboard()) as { panels: { id: number; gridPos: Place }[] };
  expect(new Set(placed.map(({ id }) => id)).size).toBe(placed.length);
  const taken = new Set<string>();
  for (const { gridPos } of placed) {
    const { x, y, w, h } = gridPos;
    expect(x + w).toBeLessThanOrEqual(24);
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        expect(taken, `${column}, ${line}`).not.toContain(`${column} ${line}`);
        taken.add(`${column} ${line}`);
      }
    }
  }
});

interface Place {
  x: number;
  y: number;
  w: number;
  h: number;
}

describe('the chart', () => {
  it('has it in a ConfigMap that the sidecar of Grafana finds', async () => {
    const { metadata, data } = await configMap({});
    expect(metadata.namespace).toBe('obs');
    expect(metadata.labels).toMatchObject({ grafana_dashboard: '1', 'app.kubernetes.io/name': 'kplug' });
    expect(metadata.annotations).toBeUndefined();
    expect(JSON.parse(data['kplug.json'] ?? '')).toEqual(JSON.parse(dashboard()));
  });

  it('takes labels, annotations, a folder and a namespace', async () => {
    const { metadata } = await configMap({
      ...{ label: 'dashboards', labelValue: 'yes', folder: 'Operators', namespace: 'grafana' },
      annotations: { team: 'a' },
    });
    expect(metadata).toMatchObject({
      namespace: 'grafana',
      labels: { dashboards: 'yes' },
      annotations: { grafana_folder: 'Operators', team: 'a' },
    });
  });

  it('has none by default', async () => {
    const names = (await render('kplug', {})).map(({ metadata }) => metadata.name);
    expect(names.filter((name) => name.includes('dashboard'))).toEqual([]);
  });
});

async function configMap(values: object): Promise<ClusterObject & { data: Record<string, string> }> {
  const objects = await render('kplug', { metrics: { dashboard: { enabled: true, ...values } } }, 'obs');
  const found = objects.filter(({ metadata }) => metadata.name === 'try-kplug-dashboard');
  return only(found, 'ConfigMap') as ClusterObject & { data: Record<string, string> };
}
