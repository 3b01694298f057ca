import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { controllerRequirements } from './controller/conform-controller.ts';
import { pluginRequirements } from './plugin/requirements.ts';
import { v0Requirements } from './v0/requirements.ts';

const specification = readFileSync(new URL('../../../docs/plugin-specification.md', import.meta.url), 'utf8');

/** Returns the numbers of a letter in the specification. */
function numbersOf(letter: string): string[] {
  return [...specification.matchAll(new RegExp(`^- \\*\\*(${letter}\\d+)\\*\\*`, 'gm'))].map(
    ([, number = '']) => number,
  );
}

describe('the suites', () => {
  it('cover all requirements on plugins', () => {
    expect(new Set(pluginRequirements.map(({ number }) => number))).toEqual(new Set(numbersOf('P')));
  });

  it("cover all requirements on plugins of the first Kplug's protocol, and two others that apply to them", () => {
    const numbers = [...numbersOf('F'), 'P32', 'P33'];
    expect(new Set(v0Requirements.map(({ number }) => number))).toEqual(new Set(numbers));
  });

  it('cover all requirements on controllers', () => {
    // C34 is about declared plugins, and each controller has its own way to declare them.
    const numbers = numbersOf('C').filter((number) => number !== 'C34');
    expect(new Set(controllerRequirements.map(({ number }) => number))).toEqual(new Set(numbers));
  });
});
