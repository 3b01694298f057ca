import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{packages,examples,bench,test,tools,charts}/**/*.test.ts'],
    // A project of its own, with a test command of its own.
    exclude: ['**/node_modules/**', '**/dist/**', 'packages/cli/templates/**', 'examples/plugin-template/**'],
    globalSetup: ['packages/testing/src/control-plane/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
