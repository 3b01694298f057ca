import { createServer } from 'node:http';
import type { OperatorFile } from '@kplug/operator/operator-file';
import { GreetingWorkspace, kplug, type ProcessOptions } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runDoctor } from '../testing/run-doctor.ts';

const waiting = { timeout: 20_000, interval: 100 };

const examine = (workspace: GreetingWorkspace, options?: ProcessOptions) =>
  runDoctor(['--manifests', workspace.manifests], options);

describe('kplug doctor on a working operator', () => {
  let workspace: GreetingWorkspace;
  let operator: { at: OperatorFile };

  beforeAll(async () => {
    workspace = await GreetingWorkspace.make();
    operator = await workspace.startGreeting();
  });

  afterAll(() => workspace[Symbol.asyncDispose]());

  it('finds no problem and exits with 0', async () => {
    await vi.waitFor(async () => {
      const { code, stdout, stderr } = await kplug(['doctor', '--manifests', workspace.manifests]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout.split('\n').filter((line) => /^ {2}\w/.test(line) && !/^ {2}ok {9}/.test(line))).toEqual([]);
      expect(stdout).toContain(
        `\n  ok         Plain 1.0.0 implements Greeting@^1.0.0\n  ok         its resource is ready\n`,
      );
      expect(stdout).toMatch(/\n\n12 ok, 0 warnings, 0 problems, 0 not tried\n$/);
    }, waiting);
  });

  it('prints JSON and YAML', async () => {
    const { code, counts, about } = await examine(workspace);
    expect({ code, counts }).toEqual({ code: 0, counts: { ok: 12, warning: 0, problem: 0, notTried: 0 } });
    expect(about('VersionsAgree')).toEqual([
      {
        check: 'VersionsAgree',
        about: 'operator',
        outcome: 'ok',
        message: 'operator and command have version 0.0.0',
        advice: [],
      },
    ]);
  });

  it.each([
    [20_000, 0, 'warning', /^the clock of the operator is (1\d|20) s behind that of this machine$/],
    [-60_000, 1, 'problem', /^the clock of the operator is (5\d|60) s ahead of that of this machine$/],
  ])('sees that its clock is %d ms off', async (shift, exit, outcome, message) => {
    const module = `const now = Date.now; Date.now = () => now() + ${shift};`;
    const env = { NODE_OPTIONS: `--import="data:text/javascript,${encodeURIComponent(module)}"` };
    const { code, about } = await examine(workspace, { env });
    expect(code).toBe(exit);
    expect(about('ClocksAgree')).toEqual([
      expect.objectContaining({
        outcome,
        message: expect.stringMatching(message),
        advice: [expect.stringContaining('chronyc tracking')],
      }),
    ]);
  });

  it('examines the given operator without the manifests', async () => {
    const { code, stdout } = await kplug(['doctor', '--admin', operator.at.adminAddress]);
    expect(code).toBe(0);
    expect(stdout).toContain('(as given)');
    expect(stdout).not.toContain('manifests');
  });
});

describe('kplug doctor', () => {
  it('reports a plugin that no delegation uses', async () => {
    await using workspace = await GreetingWorkspace.make();
    const base = '{ apiVersion: example.org/v1, kind: Greeting }';
    await workspace.write('kplug.yaml', `delegations:\n  - { name: greetings, base: ${base}, api: Greting }\n`);
    const operator = await workspace.startOperator();
    workspace.startPlugin(operator.at.heartbeatAddress);
    await vi.waitFor(async () => {
      const { about } = await examine(workspace);
      expect(about('PluginsUsed')).toEqual([
        expect.objectContaining({
          outcome: 'warning',
          message: 'Plain 1.0.0 implements Greeting, which no delegation uses',
          advice: ['did you mean Greting?', "ignore this if the operator's own code calls the plugin"],
        }),
      ]);
    }, waiting);
  });

  it('reports an unreachable operator, with its address and advice', async () => {
    await using workspace = await GreetingWorkspace.make();
    const { code, about, findings } = await examine(workspace);
    expect(code).toBe(1);
    expect(about('OperatorAnswers')).toEqual([
      expect.objectContaining({
        outcome: 'problem',
        message: expect.stringContaining(`(the default, as there is no ${workspace.manifests}/.kplug/operator.json)`),
        advice: [expect.stringContaining('start one with "kplug operator"')],
      }),
    ]);
    expect(findings.map(({ about: subject }) => subject)).toEqual(['operator', 'manifests', 'versions']);
  });

  it('reports a server that is not an operator, and an operator that is not ready', async () => {
    let isOperator = false;
    const server = createServer((request, response) => {
      if (isOperator && request.url?.startsWith('/kplug.v1.')) {
        response.writeHead(200, { 'content-type': 'application/proto' }).end();
      } else {
        response.writeHead(isOperator ? 503 : 404).end(isOperator ? 'the controller is starting\n' : 'nothing');
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const args = ['doctor', '--admin', `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`];
    const other = await kplug(args);
    isOperator = true;
    const starting = await kplug(args);
    server.close();
    expect(other.code).toBe(1);
    expect(other.stdout).toMatch(/ {2}problem {4}http.* is not the admin port of an operator/);
    expect(starting.code).toBe(1);
    expect(starting.stdout).toContain('  problem    the operator is not ready: the controller is starting\n');
    expect(starting.stdout).toContain(
      '  warning    the operator does not report its version; this command has 0.0.0\n',
    );
    expect(starting.stdout).toContain('  warning    the operator has no delegations\n');
  });

  it('rejects an invalid command line', async () => {
    expect(await kplug(['doctor', '--admin', 'no address'])).toMatchObject({ code: 2, stdout: '' });
  });
});
