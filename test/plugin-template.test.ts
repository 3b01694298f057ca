import { existsSync, readFileSync } from 'node:fs';
import { cp, readdir } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { RunningProcess } from '@kplug/testing/kplug';
import { describe, expect, it, vi } from 'vitest';
import { exampleDocuments, exampleFolder } from '../tools/template/documents.ts';
import { copyAsImageDoes, findToolchains, makePlugin, run, temporaryFolder } from './made-plugin.ts';

const repository = resolve(import.meta.dirname, '..');
const main = join(repository, 'packages/cli/src/main.ts');

// In CI, a missing toolchain is a failure.
const toolchains = await findToolchains('the tests of generated plugins');

describe.each(toolchains)('a plugin of kplug init plugin in $language', { timeout: 180_000 }, (toolchain) => {
  const { start, test, env } = toolchain;

  it('passes its own tests and the conformance suite', async () => {
    const folder = await makePlugin(toolchain, '--name', 'BestFit', '--kind', 'Network', '--group', 'my.org');
    for (const command of test) await run(command, folder, env);
    const conformance = ['conformance', 'plugin', '--resource', 'samples/office.yaml', '-o', 'json', '--', ...start];
    const { verdicts, ...tried } = JSON.parse(await run([process.execPath, main, ...conformance], folder, env)) as {
      verdicts: { number: string; result: string }[];
    };
    expect(tried).toEqual({ subject: expect.stringContaining('BestFit 0.1.0 at ') });
    const numbersOf = (...results: string[]) =>
      new Set(verdicts.filter(({ result }) => results.includes(result)).map(({ number }) => number));
    expect(numbersOf('failed', 'warning')).toEqual(new Set());
    // P20 cannot be checked, P31 and the declaration of P39 are optional, P33 needs an extension, and P53 a capability.
    const untried = [...numbersOf('notTried')].filter(
      (number) => !['P20', 'P31', 'P33', 'P39', 'P53'].includes(number),
    );
    expect(untried).toEqual([]);
    expect(numbersOf('passed').size).toBeGreaterThan(25);
  });

  it('runs in the plugins folder of an operator, with the files of its image', async () => {
    const folder = await makePlugin(toolchain);
    const place = temporaryFolder();
    copyAsImageDoes(folder, join(place, 'plugins/made'));
    await cp(join(folder, 'samples'), join(place, 'samples'), { recursive: true });
    const addresses = ['--grpc-bind-address', '127.0.0.1:0', '--admin-bind-address', '127.0.0.1:0'];
    const options = ['--manifests', 'samples', '--config', join(folder, 'kplug.yaml'), '--plugins-dir', 'plugins'];
    const variables = { PATH: env.PATH ?? process.env.PATH ?? '' };
    await using operator = new RunningProcess(main, ['operator', ...options, ...addresses], {
      cwd: place,
      env: variables,
    });
    await vi.waitFor(
      async () => {
        const get = ['get', 'addressplan', 'office', '--manifests', 'samples', '-o', 'json'];
        const resource = JSON.parse(await run([process.execPath, main, ...get], place)) as object;
        expect(resource, operator.stderr).toMatchObject({ status: { implementation: 'Made', subnets } });
      },
      { timeout: 60_000, interval: 500 },
    );
    operator.kill('SIGTERM');
    expect((await operator.ended()).code).toBe(0);
  });
});

/** Subnets of the sample, in any language. */
const subnets = [
  { name: 'desks', network: '10.20.0.0/24', firstHost: '10.20.0.1', lastHost: '10.20.0.254' },
  { name: 'phones', network: '10.20.1.0/26', firstHost: '10.20.1.1', lastHost: '10.20.1.62' },
  { name: 'printers', network: '10.20.1.64/28', firstHost: '10.20.1.65', lastHost: '10.20.1.78' },
];

describe('generated files', () => {
  it('of the TypeScript example equal the output of kplug init plugin', async () => {
    const documents = await exampleDocuments();
    for (const { file, content } of documents) {
      expect(existsSync(file) && readFileSync(file, 'utf8'), `${file}: run \`pnpm generate:template\``).toBe(content);
    }
    const made = documents.map(({ file }) => relative(exampleFolder, file));
    const present = await readdir(exampleFolder, { recursive: true, withFileTypes: true });
    const files = present
      .filter((entry) => entry.isFile())
      .map((e) => relative(exampleFolder, join(e.parentPath, e.name)));
    // Files of an installation or a test run are not part of the example.
    const own = files.filter(
      (file) => !/^(?:node_modules\/|package-lock\.json$|conformance\.xml$)|\.kplug\//.test(file),
    );
    expect(own.sort()).toEqual(made.sort());
  });
});
