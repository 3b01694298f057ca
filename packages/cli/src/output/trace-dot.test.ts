import { expect, it } from 'vitest';
import { formatDot } from './trace-dot.ts';

it('quotes untrusted text, so that it adds no nodes', () => {
  const message = 'a "quoted" \\ text\n}; evil [label="x"]';
  const resource = { relation: 'base', name: 'Table t', ready: 'False', reason: 'Failed', message } as const;
  const dot = formatDot({ resource: { ...resource, children: [] }, rootCause: undefined });
  expect(dot.split('\n')).toHaveLength(4);
  expect(dot).toContain('a \\"quoted\\" \\\\ text');
});
