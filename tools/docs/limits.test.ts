import { readFileSync } from 'node:fs';
import { allSettings, type Setting } from '@kplug/operator/internal';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { delegationSchema } from '../../packages/controller/src/delegation/declaration-schema.ts';
import type { Limit } from '../../packages/controller/src/limits/limit.ts';
import { limitTable } from '../../packages/controller/src/limits/limits.ts';
import { parseDuration } from '../../packages/controller/src/settings/duration.ts';
import { limitsPage } from './limits.ts';

const limits: Limit[] = Object.values(limitTable).flatMap((group) => Object.values(group));

it('the page of limits is up to date; `pnpm generate:docs` writes it', () => {
  const { file, content } = limitsPage();
  expect(readFileSync(file, 'utf8')).toBe(content);
});

it("the operator's flags exist and document the defaults of the table", () => {
  const flags = new Map<string, Setting>(allSettings.map(([, setting]) => [`--${setting.flags[0]}`, setting]));
  for (const { value, settings = [] } of limits) {
    for (const name of settings.filter((setting) => setting.startsWith('--'))) {
      const { fallback = '' } = flags.get(name) ?? {};
      // The default of --ttl follows from the interval.
      if (name !== '--ttl') expect(parseDuration(fallback) ?? Number(fallback.replace(/%$/, '')), name).toBe(value);
    }
  }
});

it('the flag for the concurrency has the same range as the field of a delegation', () => {
  const { maxConcurrency } = limitTable.delegation;
  const { schema } = Object.fromEntries(allSettings).concurrency as Setting;
  expect(schema.safeParse(maxConcurrency.value).success).toBe(true);
  expect(schema.safeParse(maxConcurrency.value + 1).success).toBe(false);
});

it('the fields of a delegation exist and document the defaults of the table', () => {
  const root = z.toJSONSchema(delegationSchema, { io: 'input', unrepresentable: 'any' });
  for (const { value, settings = [] } of limits) {
    for (const name of settings.filter((setting) => setting.startsWith('delegations[].'))) {
      const description = descriptionOf(root, name.split('.').slice(1));
      const [, documented = ''] =
        /Default (?:[a-z' ]+, )?(\d+\w*)/.exec(description.replace('Default:', 'Default')) ?? [];
      expect(parseDuration(documented) ?? Number(documented), name).toBe(value);
    }
  }
});

function descriptionOf(schema: z.core.JSONSchema.JSONSchema, path: readonly string[]): string {
  const [field, ...rest] = path;
  if (field === undefined) return schema.description ?? '';
  return descriptionOf(schema.properties?.[field] as z.core.JSONSchema.JSONSchema, rest);
}
