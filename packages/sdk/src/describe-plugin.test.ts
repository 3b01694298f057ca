import type { StandardSchemaV1 } from '@standard-schema/spec';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { implementApi } from './define-plugin.ts';
import { partsOf } from './definition.ts';
import { describePlugin } from './describe-plugin.ts';
import type { MultiApiDefinition, PluginDefinition } from './plugin.ts';

function describe(definition: PluginDefinition | MultiApiDefinition) {
  return describePlugin(definition, partsOf(definition));
}

const reconcile = () => undefined;

it('describes the base and the extensions of each API, as the author of a resource writes them', () => {
  const base = z.object({ spec: z.object({ rows: z.int().default(3), id: z.union([z.int(), z.bigint()]) }) });
  const options = z.object({
    spec: z.object({ engine: z.enum(['InnoDB', 'Aria']).meta({ 'x-kplug-column': 'Engine' }) }),
  });
  const description = describe({
    name: 'Plain',
    version: '1.2.0',
    apis: [
      implementApi({
        api: ['Table@1.0.0', 'Table@2.0.0'],
        base,
        extensions: { 'Options.myorg.org': options },
        reconcile,
      }),
      implementApi({ api: 'View@1.0.0', reconcile }),
    ],
  });
  const described = {
    base: {
      properties: {
        spec: {
          properties: {
            rows: { type: 'integer', default: 3 },
            id: { anyOf: [{ type: 'integer' }, { type: 'integer', format: 'int64' }] },
          },
          required: ['id'],
        },
      },
    },
    extensions: {
      'Options.myorg.org': {
        properties: { spec: { properties: { engine: { enum: ['InnoDB', 'Aria'], 'x-kplug-column': 'Engine' } } } },
      },
    },
  };
  expect(description).toMatchObject({
    plugin: 'Plain',
    version: '1.2.0',
    apis: [
      { name: 'Table', version: '1.0.0', ...described },
      { name: 'Table', version: '2.0.0', ...described },
      { name: 'View', version: '1.0.0', extensions: {} },
    ],
  });
  expect(description.apis[2]).not.toHaveProperty('base');
});

it('names the library of a schema that has no JSON Schema', () => {
  const base: StandardSchemaV1<unknown, object> = {
    '~standard': { version: 1, vendor: 'handmade', validate: () => ({ value: {} }) },
  };
  expect(() => describe({ name: 'Plain', version: '1.0.0', api: 'Table@1.0.0', base, reconcile })).toThrow(
    "the schema of the base can't be converted, as handmade does not implement Standard JSON Schema",
  );
});

it('describes a value that JSON Schema has no words for as any value', () => {
  const base = z.object({ spec: z.object({ when: z.date(), size: z.custom<number>() }) });
  const [api] = describe({ name: 'Plain', version: '1.0.0', api: 'Table@1.0.0', base, reconcile }).apis;
  expect(api?.base).toMatchObject({ properties: { spec: { properties: { when: {}, size: {} } } } });
});
