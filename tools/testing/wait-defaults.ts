import { vi } from 'vitest';

// One second, vitest's default, is too short when several files share a core. A wait ends as soon as its condition holds.
const timeout = 20_000;

type Options = Parameters<typeof vi.waitFor>[1];
const withTimeout = (options: Options) =>
  typeof options === 'number' ? { timeout: options } : { timeout, ...options };

const { waitFor, waitUntil } = vi;
vi.waitFor = (callback, options) => waitFor(callback, withTimeout(options));
vi.waitUntil = (callback, options) => waitUntil(callback, withTimeout(options));
