import { defineConfig } from 'vitest/config';

// `pnpm test:cluster`. Each step of the walk goes on from the one before, so the first that fails is the last.
export default defineConfig({
  test: {
    include: ['test/cluster/*.walk.ts'],
    bail: 1,
    // They share the kinds of the cluster.
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 600_000,
  },
});
