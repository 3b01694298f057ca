import { describe, expect, it } from 'vitest';
import type { DelegationDeclaration } from '../delegation/declaration.ts';
import { findDelegationFaults } from './delegation-faults.ts';
import { delegationJsonSchema } from './delegation-json-schema.ts';

const declaration = { name: 'tables', base: { apiVersion: 'example.org/v1', kind: 'Table' }, api: 'Table@^1' };

describe('the faults of a declaration', () => {
  it('are none for a valid one', () => {
    const complete: DelegationDeclaration = {
      ...declaration,
      selection: { fallbackOrder: ['Plain@^1'], mode: 'all' },
      backOff: { initial: '1s', max: 60_000 },
    };
    expect(findDelegationFaults(complete)).toEqual([]);
  });

  it('name each field by its path', () => {
    const faulty = { ...declaration, api: undefined, base: { ...declaration.base, plural: 'tables' }, deadline: {} };
    expect(findDelegationFaults(faulty)).toEqual([
      { path: ['base', 'plural'], message: 'is not a field of a delegation' },
      { path: ['api'], message: 'is missing' },
      { path: ['deadline'], message: 'expected number, received object, or expected string, received object' },
    ]);
  });

  it('include the declaration itself', () => {
    expect(findDelegationFaults('tables')).toEqual([{ path: [], message: expect.stringContaining('expected object') }]);
  });
});

it('the JSON schema of declarations describes every field', () => {
  const { properties = {}, required } = delegationJsonSchema();
  expect(required).toEqual(['name', 'base', 'api']);
  const fields = Object.entries(properties as Record<string, { description?: string }>);
  expect(fields.map(([name]) => name)).toContain('deadline');
  for (const [name, { description }] of fields) expect(description, name).toMatch(/\w/);
});
