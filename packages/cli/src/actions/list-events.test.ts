import type { OperatorFile } from '@kplug/operator/operator-file';
import { GreetingWorkspace, kplug, startKplug } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { cellsOf } from '../testing/cells-of.ts';

const waiting = { timeout: 20_000, interval: 20 };

let workspace: GreetingWorkspace;
let _operator: { at: OperatorFile };

beforeAll(async () => {
  workspace = await GreetingWorkspace.make();
  _operator = await workspace.startGreeting();
});

afterAll(() => workspace[Symbol.asyncDispose]());

const ask = (...args: string[]) => kplug(['events', ...args], { cwd: workspace.manifests });

describe('kplug events', () => {
  it('lists the Events of all resources, with the columns of kubectl, newest last', async () => {
    const { code, stdout, stderr } = await ask();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [header, ...rows] = cellsOf(stdout);
    expect(header).toEqual(['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE']);
    expect(rows).toContainEqual([
      expect.stringMatching(/^\d+s$/),
      'Normal',
      'Greeted',
      'Greeting/world',
      'wrote a greeting to World',
    ]);
    expect(rows.findIndex((row) => row[2] === 'NoPlugin')).toBeLessThan(rows.findIndex((row) => row[2] === 'Greeted'));
  });

  it.each([[['greeting/world']], [['greetings']], [['Greeting/world', '-n', 'default']]])(
    'filters by %j',
    async (args) => {
      const { code, stdout } = await ask(...args);
      expect(code).toBe(0);
      expect(
        new Set(
          cellsOf(stdout)
            .slice(1)
            .map((row) => row[3]),
        ),
      ).toEqual(new Set(['Greeting/world']));
    },
  );

  it('shows namespaces with -A, and filters by type', async () => {
    const [header, row] = cellsOf((await ask('-A', '--types', 'warning')).stdout);
    expect(header?.[0]).toBe('NAMESPACE');
    expect([row?.[0], row?.[2]]).toEqual(['default', 'Warning']);
    expect((await ask('--types', 'Normal')).stdout).not.toContain('Warning');
    expect((await ask('--types', 'Normal,Warning')).stdout).toContain('Warning');
  });

  it('prints JSON and YAML', async () => {
    const greeted = {
      event: {
        type: 'EVENT_TYPE_NORMAL',
        reason: 'Greeted',
        message: 'wrote a greeting to World',
        target: 'example.org/v1/Greeting/default/world',
      },
      count: 1,
      lastAt: expect.any(String),
    };
    expect(JSON.parse((await ask('greeting/world', '-o', 'json')).stdout).events).toContainEqual(greeted);
    expect(parse((await ask('-o', 'yaml')).stdout).events).toContainEqual(greeted);
  });

  it.each([
    [['greeting/mars'], 3, 'kplug: no delegated greeting is named mars in the namespace default\n'],
    [['secrets'], 3, 'kplug: no Events of secrets, which is not delegated; the operator reconciles Greeting\n'],
    [['--types', 'Error'], 2, 'kplug: --types "Error" has "error", which is no type; write Normal, Warning or both\n'],
    [['-n', 'sky'], 0, 'No Events in the namespace sky since the operator started; add -A for all namespaces.\n'],
  ])('says why there are none for %j', async (args, code, stderr) => {
    expect(await ask(...args)).toEqual({ code, stdout: '', stderr });
  });

  it('follows Events until it is interrupted', async () => {
    await using table = startKplug(['events', '-w'], { cwd: workspace.manifests });
    await using json = startKplug(['events', 'greetings', '-w', '-o', 'json'], { cwd: workspace.manifests });
    await vi.waitFor(() => expect(table.stdout).toMatch(/^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n\d\d:/), waiting);
    await workspace.write(
      'manifests/moon.yaml',
      'apiVersion: example.org/v1\nkind: Greeting\nmetadata: { name: moon }\nspec: { to: Moon }\n',
    );
    const seen = /^\d\d:\d\d:\d\d {3,}Normal {3,}Greeted {3,}Greeting\/moon {3,}wrote a greeting to Moon$/m;
    await vi.waitFor(() => expect(table.stdout).toMatch(seen), waiting);
    await vi.waitFor(() => expect(json.stdout).toContain('Greeting/default/moon'), waiting);
    table.kill('SIGINT');
    expect(await table.ended()).toMatchObject({ code: 0, stderr: '' });
    expect(table.stdout.match(/LAST SEEN/g)).toHaveLength(1);
    json.kill('SIGTERM');
    expect((await json.ended()).code).toBe(0);
    const lines = json.stdout.trim().split('\n');
    expect(new Set(lines.map((line) => JSON.parse(line).event.target)).size).toBeGreaterThanOrEqual(2);
  });
});
