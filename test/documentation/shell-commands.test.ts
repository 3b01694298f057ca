import { expect, it } from 'vitest';
import { promptedCommands, shellCommands } from './shell-commands.ts';

it.each([
  ['a b   # a comment', [['a', 'b']]],
  ['a \\\n  --flag=1 &\nb', [['a', '--flag=1'], ['b']]],
  [`X='1 2' a "b c" 'd#e'#f`, [['a', 'b c', 'd#e#f']]],
  ['a | b && c; d', [['a'], ['b'], ['c'], ['d']]],
  ['# nothing\n\n', []],
])('reads the commands of %j', (script, commands) => {
  expect(shellCommands(script)).toEqual(commands);
});

it('reads the commands after the prompts of a transcript', () => {
  expect(promptedCommands('$ a b\noutput\n$ c\n')).toEqual([['a', 'b'], ['c']]);
});

it('leaves out redirections', () => {
  expect(shellCommands('kplug get all 2> log >> out\nsort < in | wc')).toEqual([
    ['kplug', 'get', 'all'],
    ['sort'],
    ['wc'],
  ]);
});
