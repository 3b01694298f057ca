import { describe, expect, it } from 'vitest';
import { ownFrames, readFailure, withoutInternals } from './read-failure.ts';

const folder = '/home/me/plugin';

describe('a failure is read from the output', () => {
  it.each([
    [
      'of a syntax error of Node.js',
      [`file://${folder}/plan.ts:31`, 'const x: = 1;', 'SyntaxError [ERR_INVALID_TYPESCRIPT_SYNTAX]: Unexpected token'],
      { place: 'plan.ts:31', message: 'SyntaxError [ERR_INVALID_TYPESCRIPT_SYNTAX]: Unexpected token' },
    ],
    [
      'of an uncaught error, whose first frame is that of a package',
      [
        'Error: no database',
        `    at connect (file://${folder}/node_modules/pg/index.js:1:2)`,
        `    at file://${folder}/src/plugin.ts:7:3`,
      ],
      { place: 'src/plugin.ts:7:3', message: 'Error: no database' },
    ],
    [
      'of a syntax error of Python',
      [
        'Traceback (most recent call last):',
        `  File "${folder}/plugin.py", line 9`,
        '    def x(:',
        'SyntaxError: invalid syntax',
      ],
      { place: 'plugin.py:9', message: 'SyntaxError: invalid syntax' },
    ],
    [
      'of an exception of Python in a package that own code called',
      [
        `  File "${folder}/plugin.py", line 3, in <module>`,
        `  File "${folder}/plan.py", line 5, in plan`,
        `  File "${folder}/.venv/lib/python3.12/site-packages/x.py", line 70, in y`,
        'ValueError: wrong',
      ],
      { place: 'plan.py:5', message: 'ValueError: wrong' },
    ],
    [
      'of a panic of Go',
      ['panic: no database', '', 'goroutine 1 [running]:', 'main.main()', `\t${folder}/main.go:12 +0x1d`],
      { place: 'main.go:12', message: 'panic: no database' },
    ],
    ['without an error', ['bye'], { place: '', message: '' }],
  ])('%s', (_, lines, expected) => {
    expect(readFailure(lines, folder)).toMatchObject(expected);
  });
});

it('a missing package comes with advice', () => {
  const node = ["Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'zod' imported from /x/plugin.ts"];
  expect(readFailure(node, folder).advice).toContain('npm install zod');
  expect(readFailure(["ModuleNotFoundError: No module named 'msgspec'"], folder).advice).toContain(
    'pip install msgspec',
  );
});

it('frames of Node.js and of packages are left out', () => {
  const stack = ['Error: x', `    at own (file://${folder}/a.ts:1:2)`, '    at next (node:internal/process:1:1)'];
  expect(
    withoutInternals(['node:internal/modules/run_main:107', '  throw', '  ^', ...stack, 'Node.js v24.21.0']),
  ).toEqual(stack.slice(0, 2));
  const others = [
    `    at zod (file://${folder}/node_modules/zod/index.js:1:1)`,
    '    at sdk (file:///sdk/src/work.ts:3:4)',
  ];
  expect(ownFrames([...stack, ...others].join('\n'), folder)).toEqual(['Error: x', '    at own (a.ts:1:2)']);
});
