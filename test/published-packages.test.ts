import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';

interface PackageJson {
  name: string;
  version: string;
  description?: string;
  private?: boolean;
  type?: string;
  engines?: { node?: string };
  sideEffects?: string[];
  exports?: Record<string, string>;
  publishConfig: { exports?: object };
}

const repository = join(import.meta.dirname, '..');
const published = globSync('packages/*/package.json', { cwd: repository })
  .map((file) => {
    const content = JSON.parse(readFileSync(join(repository, file), 'utf8')) as PackageJson;
    return { ...content, folder: join(repository, dirname(file)) };
  })
  .filter(({ private: isPrivate, type }) => !isPrivate && type === 'module')
  .sort((a, b) => a.name.localeCompare(b.name));

/** Export paths that run in browsers, too. */
const forBrowsers = new Set(['@kplug/protocol/services']);

it('all published packages are tested', () => {
  const names = ['cli', 'conformance', 'controller', 'operator', 'page', 'protocol', 'sdk'];
  expect(published.map(({ name }) => name)).toEqual(names.map((name) => `@kplug/${name}`));
});

describe.each(published)('$name', (subject) => {
  const { name, folder, version, description, engines, sideEffects, exports = {}, publishConfig } = subject;

  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  const requireNode = pathToFileURL(join(folder, 'src/require-node.ts')).href;
  const runOn = (node: string): Promise<unknown> => {
    vi.stubGlobal('process', { versions: { node } });
    return import(requireNode);
  };

  it('has a description, a README and the required version of Node.js', () => {
    expect(description).toMatch(/\w/);
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain(name);
    expect(engines).toEqual({ node: '>=22.22' });
  });

  it.each(['18.12.0', '20.20.2', '22.21.9'])('fails on Node.js %s, with the version that is required', async (node) => {
    const message = `${name} requires Node.js 22.22 or newer; this is Node.js ${node}`;
    await expect(runOn(node)).rejects.toMatchObject({ message, stack: `Error: ${message}` });
  });

  it.each(['22.22.0', '24.0.0', '100.1.0'])('accepts Node.js %s', async (node) => {
    await expect(runOn(node)).resolves.toBeDefined();
  });

  it('keeps the check of Node.js in bundles', () => {
    expect(sideEffects).toEqual(expect.arrayContaining(['./src/require-node.ts', './dist/require-node.js']));
  });

  it('checks Node.js before it loads anything else', () => {
    for (const path of Object.keys(publishConfig.exports ?? {}).filter(
      (path) => !forBrowsers.has(name + path.slice(1)),
    )) {
      const [first] = /^(import|export) .*;$/m.exec(readFileSync(join(folder, exports[path] ?? ''), 'utf8')) ?? [];
      expect(first, path).toBe("import './require-node.ts';");
    }
  });

  const versionFile = join(folder, 'src/version.ts');
  if (existsSync(versionFile)) {
    it('reports the version of its package.json', async () => {
      expect(await import(pathToFileURL(versionFile).href)).toMatchObject({ version });
    });
  }
});
