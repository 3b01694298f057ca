import { expect, it } from 'vitest';
import { tellingLine } from './telling-line.ts';

it.each([
  [
    'of Node.js',
    [
      'node:internal/modules/esm/resolve:272',
      '    throw new X(',
      '      ^',
      "Error [ERR_X]: Cannot find module 'y'",
      '    at onError (file.js:1)',
      '}',
      'Node.js v24.21.0',
    ],
    "Error [ERR_X]: Cannot find module 'y'",
  ],
  ['of Python', ['Traceback (most recent call last):', '  File "x.py", line 1', 'ValueError: no'], 'ValueError: no'],
  ['of Go', ['panic: no', '', 'goroutine 1 [running]:', 'main.main()'], 'panic: no'],
  ['of a shell', ['starting', './x.sh: 3: y: not found'], './x.sh: 3: y: not found'],
  ['of nothing', [], undefined],
])('tellingLine finds the one %s', (_, lines, expected) => expect(tellingLine(lines)).toBe(expected));
