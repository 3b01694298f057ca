import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Expression } from './expression.ts';

const self = {
  spec: { replicas: 3, names: ['a', 'b'] },
  status: { readyReplicas: 3, conditions: [{ type: 'Ready', status: 'True' }] },
};
const base = { metadata: { name: 'users' } };

const evaluate = (text: string, input: object | undefined = self) =>
  Expression.parse(text).evaluate({ self: input, base });

describe('an expression', () => {
  it.each([
    ['self.status.readyReplicas == self.spec.replicas', true],
    ['self.spec.replicas + 1 == 4', true],
    ['has(self.status.phase) && self.status.phase == "Bound"', false],
    ['self.status.conditions.exists(c, c.type == "Ready" && c.status == "True")', true],
    ['self.spec.names.all(n, n.matches("^[a-z]$"))', true],
    ['base.metadata.name.startsWith("user")', true],
    ['"a" in {"__proto__": 1}', false],
  ])('%s is %s', (text, value) => {
    expect(evaluate(text)).toEqual({ value });
  });

  it('reads null for a resource that does not exist', () => {
    expect(Expression.parse('self == null').evaluate({ self: undefined, base })).toEqual({ value: true });
  });

  it.each([
    ['self.spec.replicas', 'its value is not a boolean'],
    ['self.status.phase == "Bound"', 'field not found: phase'],
    ['unknown.a', 'unresolved attribute'],
    ['never(self)', 'unbound function: never'],
  ])('%s has no value: %s', (text, fault) => {
    expect(evaluate(text)).toEqual({ fault });
  });

  it.each([
    ['1 +', /is not a valid CEL expression/],
    [`"${'a'.repeat(1_100)}" == ""`, /at most 1024 are allowed/],
    [Array(170).fill('a').join('||').padEnd(1_024, '||a'), /more than 500 terms/],
    ['[1].all(a, [1].all(b, [1].all(c, true)))', /more than 2 nested loops/],
  ])('%s is refused', (text, message) => {
    expect(() => Expression.parse(text)).toThrow(message);
  });

  it('is not evaluated if it may cost too much', () => {
    const large = { items: Array.from({ length: 5_000 }, (_, index) => index) };
    const text = 'self.items.all(a, self.items.all(b, a == b || a != b))';
    expect(evaluate(text, large).fault).toMatch(
      /it may take .* steps, more than 1,000,000, with lists of 5000 elements/,
    );
    expect(evaluate(text, { items: [1, 2, 3] })).toEqual({ value: true });
    const long = { text: 'a'.repeat(1_000_000), items: Array.from({ length: 500 }, () => 1) };
    expect(evaluate('self.items.all(a, self.text.matches("(a+)+b") || true)', long).fault).toMatch(/it may take/);
  });

  it('never throws when it is evaluated', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.constantFrom('self.a.b > 1', 'self[0] == base', 'size(self) > 0', 'self'),
        (value, text) => {
          const { value: found, fault } = Expression.parse(text).evaluate({ self: value as object, base });
          expect(typeof (found ?? fault)).toMatch(/boolean|string/);
        },
      ),
    );
  });
});
