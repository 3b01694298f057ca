import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { controllerRequirements } from './controller/conform-controller.ts';
import { pluginRequirements } from './plugin/requirements.ts';
import { v0Requirements } from './v0/requirements.ts';

const specification = readFileSync(new URL('../../../docs/plugin-specification.md', import.meta.url), 'utf8');

/** Requirements of the specification: number and text. */
const specified = [...specification.matchAll(/^- \*\*([A-Z]\d+)\*\* (.*(?:\n {2}.*)*)/gm)].map(
  ([, number = '', text = '']) => ({ number, text }),
);

/** Returns the numbers of a letter in the specification. */
function numbersOf(letter: string): string[] {
  return specified.map(({ number }) => number).filter((number) => number.startsWith(letter));
}

/** Returns every number in a text, with those of a range such as `P1 to P9`. */
function numbersIn(text: string): string[] {
  const ranges = [...text.matchAll(/\b([A-Z])(\d+) to \1(\d+)\b/g)].flatMap(([, letter, first, last]) =>
    Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => `${letter}${Number(first) + index}`),
  );
  return [...ranges, ...[...text.matchAll(/\b[PFC]\d+\b/g)].map(([number]) => number)];
}

describe('the specification', () => {
  it.each(['P', 'F', 'C'])('numbers the requirements with %s from 1, without gaps and duplicates', (letter) => {
    const numbers = numbersOf(letter).map((number) => Number(number.slice(1)));
    expect(numbers.sort((a, b) => a - b)).toEqual(numbers.map((_, index) => index + 1));
  });

  it.each(specified)('states in $number what must, should or may be', ({ text }) => {
    expect(text).toMatch(/\b(MUST|SHOULD|MAY)\b/);
  });

  it('refers only to requirements that it has', () => {
    expect(specified.map(({ number }) => number)).toEqual(expect.arrayContaining(numbersIn(specification)));
  });
});

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

  it.each([...pluginRequirements, ...v0Requirements, ...controllerRequirements])(
    'check $number, "$title", as a $level, as the specification does',
    ({ number, level }) => {
      expect(specified.find((requirement) => requirement.number === number)?.text).toMatch(
        new RegExp(`\\b${level}\\b`),
      );
    },
  );
});
