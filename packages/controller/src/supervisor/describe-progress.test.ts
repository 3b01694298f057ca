import { expect, it } from 'vitest';
import { lastOutput } from './describe-progress.ts';

it('returns the message of an uncaught error of Node.js instead of its stack', () => {
  const lines = [
    'file:///plugins/my.ts:3',
    'KplugError: the name "My Plugin" is malformed',
    '    at definePlugin (file:///sdk/define-plugin.ts:43:65) {',
    "  code: 'InvalidDefinition',",
    '  [cause]: undefined',
    '}',
    'Node.js v24.1.0',
  ];
  expect(lastOutput(lines)).toBe('KplugError: the name "My Plugin" is malformed');
});

it.each([
  [['starting', 'the license has expired'], 'starting | the license has expired'],
  [['Error: earlier, logged', 'a', 'b', 'c'], 'a | b | c'],
  [['Node.js v24.1.0'], 'Node.js v24.1.0'],
  [[], ''],
])('returns the last lines of %j', (lines, expected) => {
  expect(lastOutput(lines)).toBe(expected);
});
