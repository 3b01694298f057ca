import { describe, expect, it } from 'vitest';
import { readLabelled, readPlugin } from './read-declaration.ts';

const metadata = {
  namespace: 'databases',
  name: 'sqlite',
  uid: '1',
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '',
};

describe('the verification in a declaration', () => {
  it.each([
    [{}, {}],
    [{ tls: { caBundle: 'PEM' } }, { tls: { caBundle: 'PEM' } }],
    [{ tls: { caBundle: 'PEM', serverName: 'a' } }, { tls: { caBundle: 'PEM', serverName: 'a' } }],
    [{ insecure: true }, { insecure: true }],
    [{ insecure: false }, {}],
    [{ insecure: 'true' }, {}],
    [{ tls: { serverName: 'a' } }, {}],
  ])('is read from the spec %j of a Plugin', (spec, expected) => {
    const read = readPlugin({
      apiVersion: 'plugins.kplug.dev/v1alpha1',
      kind: 'Plugin',
      metadata,
      spec: { address: 'sqlite:7000', ...spec },
    });
    expect(read).toEqual({
      name: 'sqlite',
      expected: { apis: [] },
      place: { address: 'sqlite:7000' },
      generation: 1,
      ...expected,
    });
  });

  it.each([
    [{}, {}],
    [{ 'kplug.dev/ca-bundle': 'PEM' }, { tls: { caBundle: 'PEM' } }],
    [{ 'kplug.dev/ca-bundle': 'PEM', 'kplug.dev/server-name': 'a' }, { tls: { caBundle: 'PEM', serverName: 'a' } }],
    [{ 'kplug.dev/insecure': 'true' }, { insecure: true }],
    [{ 'kplug.dev/insecure': 'yes' }, {}],
  ])('is read from the annotations %j of a Service', (annotations, expected) => {
    const labels = { 'kplug.dev/plugin': 'true' };
    const read = readLabelled({ apiVersion: 'v1', kind: 'Service', metadata: { ...metadata, labels, annotations } });
    expect(read).toMatchObject({ spec: { source: 'service', service: { name: 'sqlite' }, ...expected }, ...expected });
    expect(read?.tls).toEqual('tls' in expected ? expected.tls : undefined);
  });
});
