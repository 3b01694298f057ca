import { expect } from 'vitest';

/** Text of an attacker: forged line, link, clipboard, C1 control, change of direction, isolate, zero width, line separator. */
export const hostile =
  'x\r\n1s   Normal   Ready   Table/forged   all is well\u001b[2J\u001b]8;;http://evil\u0007\u001b]52;c;eA==\u0007\u009b31m\u202e\u2066\u200b\u2028';

/** Expects that a terminal prints a text as it is: without controls, changes of direction and the like. */
export function expectPrintable(text: string): void {
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
}
