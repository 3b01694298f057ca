import { expect, it, vi } from 'vitest';
import { OutputGate } from './output-gate.ts';

function makeGate() {
  const shown: string[] = [];
  const gate = new OutputGate(({ text }) => shown.push(text));
  const write = (pid: number, ...lines: string[]) => {
    for (const text of lines) gate.add(pid, { level: 'warn', text });
  };
  return { gate, shown, write };
}

it('holds the output of a process until it has registered', () => {
  const { gate, shown, write } = makeGate();
  write(1, 'connecting');
  expect(shown).toEqual([]);
  gate.open(1);
  write(1, 'connected');
  expect(shown).toEqual(['connecting', 'connected']);
});

it('shows the output of a process that takes long to register', () => {
  vi.useFakeTimers();
  try {
    const { shown, write } = makeGate();
    write(1, 'compiling');
    vi.advanceTimersByTime(5_000);
    expect(shown).toEqual(['compiling']);
  } finally {
    vi.useRealTimers();
  }
});

it('returns the lines of a process that failed before it registered, and recognizes the same failure', () => {
  const { gate, shown, write } = makeGate();
  write(1, 'Error at 10:04:31', '    at x');
  expect(gate.fail(1)).toMatchObject({ isRepeated: false, unseen: ['Error at 10:04:31', '    at x'] });
  write(2, 'Error at 10:04:33', '    at x');
  expect(gate.fail(2).isRepeated).toBe(true);
  write(3, 'another error');
  expect(gate.fail(3).isRepeated).toBe(false);
  gate.renew();
  write(4, 'another error');
  expect(gate.fail(4).isRepeated).toBe(false);
  expect(shown).toEqual([]);
});

it('shows what a process wrote before it crashed not again for the next one of the same code', () => {
  const { gate, shown, write } = makeGate();
  gate.open(1);
  write(1, 'Error: x', '    at y');
  expect(gate.fail(1)).toMatchObject({ isRepeated: false, unseen: [], all: ['Error: x', '    at y'] });
  gate.open(2);
  write(2, 'Error: x', '    at y', 'news');
  expect(shown).toEqual(['Error: x', '    at y', 'news']);
});
