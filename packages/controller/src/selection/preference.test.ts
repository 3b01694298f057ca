import { describe, expect, it } from 'vitest';
import { PluginName } from '../names.ts';
import { parsePattern, parseRange } from './preference.ts';

describe('parsePattern', () => {
  it('reads a name', () => {
    expect(parsePattern('PostgreSQL')).toEqual({
      text: 'PostgreSQL',
      name: new PluginName('PostgreSQL'),
      range: undefined,
    });
  });

  it('reads a name with a range', () => {
    const { name, range } = parsePattern('PostgreSQL@^1.2');
    expect(name.equals(new PluginName('postgresql'))).toBe(true);
    expect(range?.test('1.9.0')).toBe(true);
    expect(range?.test('2.0.0')).toBe(false);
  });

  it.each(['', '@1.0.0', 'PostgreSQL@latest', 'PostgreSQL@^^1'])('refuses "%s"', (text) => {
    expect(() => parsePattern(text)).toThrow(expect.objectContaining({ code: 'InvalidConfiguration' }));
  });
});

it('includes prereleases in the range of any version', () => {
  expect(parseRange('*').test('1.0.0-alpha.1')).toBe(true);
  expect(parseRange('^1.0.0').test('1.0.0-alpha.1')).toBe(false);
});
