import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ProgressLine } from './progress-line.ts';

let written: string;
const streamWith = (isTTY: boolean) => ({ isTTY, columns: 40, write: (text: string) => (written += text) });

beforeEach(() => {
  written = '';
  vi.useFakeTimers();
});

afterEach(() => void vi.useRealTimers());

it('shows the targets of requests that take over a second, and removes the line afterwards', async () => {
  using line = new ProgressLine(streamWith(true));
  const [server, operator] = [Promise.withResolvers<number>(), Promise.withResolvers<void>()];
  const answer = line.wait('the API server', server.promise);
  const other = line.wait('the operator', operator.promise);
  vi.advanceTimersByTime(999);
  expect(written).toBe('');
  vi.advanceTimersByTime(1);
  expect(written).toBe('\r\u001b[Kwaiting for the API server, the operato');
  written = '';
  server.resolve(1);
  expect(await answer).toBe(1);
  expect(written).toBe('\r\u001b[Kwaiting for the operator …');
  operator.resolve();
  written = '';
  await other;
  expect(written).toBe('\r\u001b[K');
  written = '';
  line[Symbol.dispose]();
  expect(written).toBe('\r\u001b[K');
});

it('shows nothing on other streams, nor for quick requests', async () => {
  for (const isTTY of [true, false]) {
    using line = new ProgressLine(streamWith(isTTY));
    await expect(line.wait('it', Promise.reject(new Error('no')))).rejects.toThrow('no');
    if (isTTY) line[Symbol.dispose]();
    vi.advanceTimersByTime(5_000);
  }
  expect(written).toBe('');
});
