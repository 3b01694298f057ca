import { describe, expect, it } from 'vitest';
import { isColorful } from './terminal.ts';

describe('colours', () => {
  it.each([
    ['in a terminal', { isTTY: true }, { TERM: 'xterm' }, true],
    ['or not, in a terminal that has none', { isTTY: true }, { TERM: 'dumb' }, false],
    ['or not, in a terminal with NO_COLOR', { isTTY: true }, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    ['or not, in a file or a pipe', {}, { TERM: 'xterm', CI: 'true' }, false],
    ['in a file or a pipe with FORCE_COLOR', {}, { FORCE_COLOR: '1' }, true],
    ['or not, with FORCE_COLOR=0', { isTTY: true }, { FORCE_COLOR: '0' }, false],
  ])('are used %s', (_, stream, env, expected) => {
    expect(isColorful(stream, env)).toBe(expected);
  });
});
