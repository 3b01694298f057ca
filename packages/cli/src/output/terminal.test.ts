import { describe, expect, it } from 'vitest';
import { isColorful } from './terminal.ts';

describe('colours', () => {
  it.each([
    ['used in a terminal', { isTTY: true }, { TERM: 'xterm' }, true],
    ['not used in a terminal without colours', { isTTY: true }, { TERM: 'dumb' }, false],
    ['not used in a terminal with NO_COLOR', { isTTY: true }, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    ['not used in a file or a pipe', {}, { TERM: 'xterm', CI: 'true' }, false],
    ['used in a file or a pipe with FORCE_COLOR', {}, { FORCE_COLOR: '1' }, true],
    ['not used with FORCE_COLOR=0', { isTTY: true }, { FORCE_COLOR: '0' }, false],
  ])('are %s', (_, stream, env, expected) => {
    expect(isColorful(stream, env)).toBe(expected);
  });
});
