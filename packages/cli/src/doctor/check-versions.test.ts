import { expect, it } from 'vitest';
import { checkVersions } from './check-versions.ts';

const own = { version: '1.0.0', node: 'v24.0.0' };

it.each([
  ['v1.26.15', 'problem'],
  ['v1.27.0', 'warning'],
  ['v1.29.9+k3s1', 'warning'],
  ['v1.30.0', 'ok'],
  ['v1.36.3-gke.100', 'ok'],
  ['unknown', 'warning'],
])('a cluster of version %s is a %s', (kubernetes, outcome) => {
  const [found] = checkVersions({ own, operatorNode: undefined, kubernetes });
  expect(found).toMatchObject({ check: 'KubernetesVersion', outcome });
});

it('Node.js is new enough for the command and for the operator', () => {
  const found = checkVersions({ own, operatorNode: 'v22.11.0' });
  expect(found.map(({ outcome, message }) => `${outcome}: ${message}`)).toEqual([
    'ok: this command runs on Node.js v24.0.0',
    'problem: the operator runs on Node.js v22.11.0, but needs 24',
  ]);
});
