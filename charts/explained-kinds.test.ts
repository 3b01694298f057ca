import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { parse } from 'yaml';

/** Schema in a CustomResourceDefinition. */
interface Schema {
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
}

it('kubectl explain has a text for each field of a ProvidedCapability', async () => {
  const file = new URL('kplug/files/provided-capability.crd.yaml', import.meta.url);
  const { spec } = parse(await readFile(file, 'utf8')) as {
    spec: { versions: { schema: { openAPIV3Schema: Schema } }[] };
  };
  const {
    apiVersion: _,
    kind: __,
    metadata: ___,
    ...fields
  } = spec.versions[0]?.schema.openAPIV3Schema.properties ?? {};
  const unexplained = (at: string, { description, properties, items }: Schema): string[] => [
    ...(description ? [] : [at]),
    ...Object.entries({ ...properties, ...items?.properties }).flatMap(([name, one]) =>
      unexplained(`${at}.${name}`, one),
    ),
  ];
  expect(Object.keys(fields)).toEqual(['spec', 'status']);
  expect(Object.entries(fields).flatMap(([name, schema]) => unexplained(name, schema))).toEqual([]);
});
