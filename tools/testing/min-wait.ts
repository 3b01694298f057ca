import { vi } from 'vitest';

// Several files share a core, and other programs may be busy. A longer timeout costs nothing: a wait ends when its condition holds.
const minTimeout = 60_000;

type Options = Parameters<typeof vi.waitFor>[1];
const withTimeout = (options: Options = {}) => {
  const given = typeof options === 'number' ? { timeout: options } : options;
  return { ...given, timeout: Math.max(given.timeout ?? 0, minTimeout) };
};

const { waitFor, waitUntil } = vi;
vi.waitFor = (callback, options) => waitFor(callback, withTimeout(options));
vi.waitUntil = (callback, options) => waitUntil(callback, withTimeout(options));
