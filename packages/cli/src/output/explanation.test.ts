import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { ConditionStatus, ExplainResourceResponseSchema } from '@kplug/protocol';
import picocolors from 'picocolors';
import { expect, it } from 'vitest';
import { formatExplanation } from './explanation.ts';

const now = Date.parse('2026-11-29T09:00:00Z');
const resource = {
  key: 'myorg.org/v1/Table/default/users',
  generation: 1n,
  observedGeneration: 1n,
  plugin: 'PostgreSQL',
  pluginVersion: '1.2.0',
  ready: ConditionStatus.TRUE,
};
const candidates = [{ plugin: 'PostgreSQL', version: '1.2.0', chosen: true, reason: 'Chosen' }];

it('says until when the answer of the plugin holds, if it does', () => {
  const explained = create(ExplainResourceResponseSchema, { resource, candidates });
  expect(formatExplanation(explained, picocolors.createColors(false), now)).not.toContain('Answer');
  explained.answerHoldsUntil = timestampFromMs(now + 60_500);
  expect(formatExplanation(explained, picocolors.createColors(false), now)).toContain(
    '\n  Answer       the answer of PostgreSQL 1.2.0 holds until 2026-11-29T09:01:00Z, for 1m; it is not called before, unless its input changes\n',
  );
});

it('describes the operations in progress', () => {
  const startedAt = timestampFromMs(now - 120_000);
  const operations = [
    { plugin: 'A', percentage: 40, message: 'copying', token: 'job-1', startedAt },
    { plugin: 'B', startedAt, cancelled: true },
  ];
  const explained = create(ExplainResourceResponseSchema, { resource, candidates, operations });
  const text = formatExplanation(explained, picocolors.createColors(false), now);
  expect(text).toContain('\n  Operation    A: 40% done: copying (since 2m, token job-1)\n');
  expect(text).toContain('\n  Operation    B: in progress (since 2m); no longer wanted: the next call says so\n');
});

it('lists what plugins require, found, missing or refused', () => {
  const requirements = [
    {
      plugin: 'A',
      name: 'plan',
      selector: 'ConfigMap default/gold (v1)',
      resources: [{ key: '/v1/ConfigMap/default/gold' }],
    },
    { plugin: 'A', name: 'key', selector: 'Secret default/key (v1)' },
    {
      plugin: 'A',
      name: 'x',
      selector: 'Secret default/x (v1)',
      problemReason: 'StorageFailed',
      problemMessage: 'no right',
    },
  ];
  const explained = create(ExplainResourceResponseSchema, { resource, candidates, requirements });
  const text = formatExplanation(explained, picocolors.createColors(false), now);
  expect(text).toContain('\nRequired resources\n');
  const rows = text.split('\n').map((line) => line.trim().split(/ {2,}/));
  expect(rows).toContainEqual(['plan', 'A', 'ConfigMap default/gold (v1)', 'found', 'ConfigMap default/gold']);
  expect(rows).toContainEqual(['key', 'A', 'Secret default/key (v1)', 'missing', '-']);
  expect(rows).toContainEqual(['x', 'A', 'Secret default/x (v1)', 'StorageFailed', 'no right']);
  explained.requirements = [];
  expect(formatExplanation(explained, picocolors.createColors(false), now)).not.toContain('Required resources');
});
