import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { controllerRequirements } from './controller/conform-controller.ts';
import { pluginRequirements } from './plugin/requirements.ts';
import { v0Requirements } from './v0/requirements.ts';

const specification = readFileSync(new URL('../../../docs/plugin-specification.md', import.meta.url), 'utf8');

/** The numbers of a letter that the specification has. */
function numbersOf(letter: string): string[] {
  return [...specification.matchAll(new RegExp(`^- \\*\\*(${letter}\\d+)\\*\\*`, 'gm'))].map(
    ([, number = '']) => number,
  );
}

describe('the requirements that are tried', () => {
  it('are all that the specification has for plugins', () => {
    expect(new Set(pluginRequirements.map(({ number }) => number))).toEqual(new Set(numbersOf('P')));
  });

  it("are all that it has for plugins of the first Kplug's protocol, and the two that hold for them too", () => {
    const numbers = [...numbersOf('F'), 'P32', 'P33'];
    expect(new Set(v0Requirements.map(({ number }) => number))).toEqual(new Set(numbers));
  });

  it('are all that it has for controllers', () => {
    // Where plugins are declared that don't register is each controller's own affair, so no tool can declare one to it.
    const numbers = numbersOf('C').filter((number) => number !== 'C34');
    expect(new Set(controllerRequirements.map(({ number }) => number))).toEqual(new Set(numbers));
  });
});
