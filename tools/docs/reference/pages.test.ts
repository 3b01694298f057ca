import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { referencePages } from './pages.ts';

it.each(referencePages().map((page) => [page.file, page] as const))(
  '%s is up to date; `pnpm generate:docs` writes it',
  (_, { file, content }) => {
    expect(readFileSync(file, 'utf8')).toBe(content);
  },
);

it('the reference has what users look up', () => {
  const [cli = '', metrics = '', protocol = '', reasons = '', resources = ''] = referencePages().map(
    ({ content }) => content,
  );
  expect(cli).toContain('### `kplug plugins describe`');
  expect(cli).toContain('| `-A, --all-namespaces` | all namespaces |');
  expect(cli).toContain('kplug get databasetables -A -o wide');
  expect(metrics).toContain('| `kplug_plugin_suspended` | gauge | `delegation`, `plugin`, `method` |');
  expect(metrics).toContain('| `leader_election_master_status` | gauge | `name` |');
  expect(protocol).toContain('| `Reconcile` | [`ReconcileRequest`](#reconcilerequest) |');
  expect(protocol).toContain('| `Session` | stream of ');
  expect(protocol).not.toMatch(/\| `\w+` \| `kplug\.v1\./);
  expect(reasons).toContain('| `PreferredVersionMismatch` |');
  expect(resources).toContain('| `plugins.from[].namespace` | string |');
  expect(resources).toContain('| `base.kind` | string | Required.');
});
