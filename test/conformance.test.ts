import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildGoPluginFor } from '../tools/languages/go.ts';
import { buildJavaPluginFor } from '../tools/languages/java.ts';
import { installPythonFor } from '../tools/python/environment.ts';
import { checkCapableOperator, checkOperator, checkPlugin, checkSecuredOperator } from './conformance.ts';

const examples = join(import.meta.dirname, '../examples');
const typescript = [process.execPath, join(examples, 'database-table/plugins/sqlite.ts')];

// In CI, a missing toolchain is a failure.
const what = 'the conformance of the plugin';
const [python, go, java] = await Promise.all([
  installPythonFor(`${what} in Python`),
  buildGoPluginFor(`${what} in Go`),
  buildJavaPluginFor(`${what} in Java`),
]);
const withSdk: Record<string, string[]> = {
  TypeScript: typescript,
  ...(python && { Python: [python, join(examples, 'plugins/python/plugin.py')] }),
  ...(go && { Go: go }),
};
const withoutSdk: Record<string, string[]> = { ...(java && { Java: java }) };

/** Requirement that no test can check: only the author of a plugin knows whether a retry can help. */
const unknowable = expect.stringContaining('P20');
const capability = expect.stringContaining('P53');
const optional = expect.stringContaining('P31');

describe.concurrent('an example meets every requirement of the specification', { timeout: 240_000 }, () => {
  it.each(Object.entries(withSdk))('in %s', async (_, command) => {
    expect(await checkPlugin(command)).toEqual({
      passed: 61,
      unmet: [],
      notTried: [unknowable, capability, capability],
    });
  });

  // This plugin does not serve Work.
  it.each(Object.entries(withoutSdk))('in %s', async (_, command) => {
    expect(await checkPlugin(command)).toEqual({
      passed: 59,
      unmet: [],
      notTried: [unknowable, optional, optional, capability, capability],
    });
  });

  it('as a provider of capabilities', async () => {
    const command = [process.execPath, join(examples, 'capability/databases.ts')];
    const resource = readFileSync(join(examples, 'capability/manifests/orders.yaml'), 'utf8');
    expect(await checkPlugin(command, [], resource)).toEqual({
      passed: 62,
      unmet: [],
      // The resource has no extensions.
      notTried: [unknowable, expect.stringContaining('P33')],
    });
  });

  it("in the first Kplug's protocol", async () => {
    expect(await checkPlugin(typescript, ['--protocol', 'kplug'])).toMatchObject({ unmet: [], notTried: [] });
  });
});

describe.concurrent('an operator on a directory', { timeout: 300_000 }, () => {
  it('meets every requirement of the specification, with resources and plugins of both protocols', async () => {
    expect(await checkOperator()).toMatchObject({
      unmet: [],
      notTried: [
        expect.stringContaining('C6 refuses loopback addresses from other machines'),
        expect.stringContaining('C18 accepts plugins'),
        // The operator is on the loopback interface.
        expect.stringContaining('C39 accepts no plugin without an identity'),
        expect.stringContaining('C39 lists no plugins'),
        expect.stringContaining('C40 calls an instance with a certificate'),
        expect.stringContaining('C40 calls no instance that presents another'),
        expect.stringContaining('C41 presents a client certificate'),
        // Its delegation has no capabilities.
        expect.stringContaining('C47 sends the capability'),
        expect.stringContaining('C48 keeps the version'),
        expect.stringContaining('C49 calls no plugin for a version'),
      ],
    });
  });

  it('meets those on capabilities when its resources ask for some', async () => {
    expect(await checkCapableOperator()).toEqual({ passed: 3, unmet: [], notTried: [] });
  });

  it('meets those on identities and encryption when it is open to other machines', async () => {
    expect(await checkSecuredOperator()).toMatchObject({ unmet: [], notTried: [] });
  });
});
