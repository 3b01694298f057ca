import type { ClusterObject } from '@kplug/testing/control-plane';
import { expect, it } from 'vitest';
import { helmTimeout, render } from './testing.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
const image = { repository: 'registry.example.org/plugin', tag: `0.1.0@${digest}` };

/** Values of all labels of the objects. */
function labelsOf(objects: readonly ClusterObject[]): string[] {
  return objects.flatMap(({ metadata }) =>
    Object.values((metadata as { labels?: Record<string, string> }).labels ?? {}),
  );
}

it.each([
  ['kplug-plugin', { image, controller: 'kplug.kplug-system.svc:50050' }],
  ['kplug', { image, plugins: [{ name: 'one', image, delivery: 'deployment' }] }],
] as const)(
  '%s installs an image by its digest, with labels that Kubernetes accepts',
  async (chart, values) => {
    const objects = await render(chart, values);
    expect(JSON.stringify(objects)).toContain(`"image":"${image.repository}:${image.tag}"`);
    const labels = labelsOf(objects);
    expect(labels.filter((label) => !/^(?:[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?)?$/.test(label))).toEqual([]);
    if (chart === 'kplug-plugin') expect(labels).toContain('0.1.0');
  },
  helmTimeout,
);
