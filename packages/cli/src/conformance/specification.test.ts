import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { controllerRequirements } from './controller/conform-controller.ts';
import { pluginRequirements } from './plugin/requirements.ts';

const specification = readFileSync(new URL('../../../../docs/plugin-specification.md', import.meta.url), 'utf8');

/** The numbers of a letter that the specification has. */
function numbersOf(letter: string): string[] {
  return [...specification.matchAll(new RegExp(`^- \\*\\*(${letter}\\d+)\\*\\*`, 'gm'))].map(
    ([, number = '']) => number,
  );
}

/** Of the first Kplug's dialect, which a controller may serve. */
const ofFirstKplug = new Set(Array.from({ length: 10 }, (_, index) => `C${index + 18}`));

describe('the requirements that are tried', () => {
  it('are all that the specification has for plugins', () => {
    expect(new Set(pluginRequirements.map(({ number }) => number))).toEqual(new Set(numbersOf('P')));
  });

  it('are all that the specification has for controllers of kplug.v1', () => {
    const numbers = numbersOf('C').filter((number) => !ofFirstKplug.has(number));
    expect(new Set(controllerRequirements.map(({ number }) => number))).toEqual(new Set(numbers));
  });
});
