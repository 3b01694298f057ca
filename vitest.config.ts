import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import SlowFilesFirst from './tools/testing/slow-files-first.ts';

export default defineConfig({
  test: {
    include: ['{packages,examples,bench,test,tools,charts}/**/*.test.ts'],
    // A separate project with its own test command.
    exclude: ['**/node_modules/**', '**/dist/**', 'packages/cli/templates/**', 'examples/plugin-template/**'],
    globalSetup: ['packages/testing/src/control-plane/global-setup.ts'],
    setupFiles: ['tools/testing/min-wait.ts'],
    reporters: ['./tools/testing/slowest-files.ts', 'default'],
    // Most files wait for processes, leases and API servers, so more of them run concurrently than there are cores.
    maxWorkers: availableParallelism() + 3,
    sequence: { sequencer: SlowFilesFirst },
    // Tests start hundreds of TypeScript programs, which share a compile cache.
    env: { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(tmpdir(), 'node-compile-cache') },
    testTimeout: 120_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
