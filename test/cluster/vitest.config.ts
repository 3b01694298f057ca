import { defineConfig } from 'vitest/config';

// Configuration of `pnpm test:cluster`. Each step depends on the preceding ones, so the run ends with the first failure.
export default defineConfig({
  test: {
    include: ['test/cluster/*.walk.ts'],
    bail: 1,
    // The files share the definitions of the cluster.
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 600_000,
  },
});
