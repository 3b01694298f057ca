import { afterEach, expect, it, vi } from 'vitest';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

function runOn(node: string): Promise<unknown> {
  vi.stubGlobal('process', { versions: { node } });
  return import('./require-node.ts');
}

it.each(['18.12.0', '20.20.2', '23.11.1'])('fails on Node.js %s, with the version that is required', async (node) => {
  const message = `@kplug/sdk requires Node.js 24 or newer; this is Node.js ${node}`;
  await expect(runOn(node)).rejects.toMatchObject({ message, stack: `Error: ${message}` });
});

it.each(['24.0.0', '100.1.0'])('accepts Node.js %s', async (node) => {
  await expect(runOn(node)).resolves.toBeDefined();
});
