import { expect, it } from 'vitest';
import { Tracebacks } from './fold-tracebacks.ts';

const lines = (pid: number, ...texts: string[]) => texts.map((text) => ({ pid, text, stream: 'stderr' as const }));
const traceback = [
  'Traceback (most recent call last):',
  '  File "/usr/lib/python3/thread.py", line 58, in run',
  '    result = self.fn()',
  '             ^^^^^^^^^',
  '  File "/home/me/plugin/plan.py", line 33, in reconcile',
  '    raise ValueError("wrong")',
  '  File "/home/me/plugin/.venv/lib/x.py", line 1, in x',
  '    x()',
];

it('a traceback becomes the line of its message, with the frames of own files', () => {
  const tracebacks = new Tracebacks('/home/me/plugin');
  const folded = lines(1, 'before', ...traceback, 'ValueError: wrong', 'after').map((line) => tracebacks.fold(line));
  expect(folded.filter((line) => line !== undefined)).toMatchObject([
    { text: 'before' },
    { text: 'ValueError: wrong', frames: ['  File "plan.py", line 33, in reconcile', '    raise ValueError("wrong")'] },
    { text: 'after' },
  ]);
});

it('lines of other processes and of standard output are left alone', () => {
  const tracebacks = new Tracebacks('/home/me/plugin');
  for (const line of lines(1, ...traceback.slice(0, 3))) expect(tracebacks.fold(line)).toBeUndefined();
  expect(tracebacks.fold({ pid: 2, text: '  indented', stream: 'stderr' })?.text).toBe('  indented');
  expect(tracebacks.fold({ pid: 1, text: '  indented', stream: 'stdout' })?.text).toBe('  indented');
  expect(lines(1, 'KeyError: x').map((line) => tracebacks.fold(line)?.frames)).toEqual([traceback.slice(1, 3)]);
});
