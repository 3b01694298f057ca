import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{packages,examples,bench,test,tools,charts}/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    globalSetup: ['test/control-plane/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
