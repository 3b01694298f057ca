import { readFile } from 'node:fs/promises';
import { wrongPlugin } from '@kplug/conformance/testing';
import { GreetingWorkspace, greetingPlugin, kplug } from '@kplug/testing/kplug';
import { describe, expect, it } from 'vitest';

describe('kplug conformance plugin', () => {
  it('starts a plugin of the SDK, which meets all requirements', { timeout: 120_000 }, async () => {
    await using workspace = await GreetingWorkspace.make();
    const args = [
      '--resource',
      'manifests/world.yaml',
      '--junit',
      'report.xml',
      '--',
      process.execPath,
      greetingPlugin,
    ];
    const env = { GREETING_FOLDER: workspace.path('out') };
    const result = await kplug(['conformance', 'plugin', ...args], { cwd: workspace.folder, env });
    expect(result).toMatchObject({ code: 0, stderr: expect.stringMatching(/: \d+ passed, 3 not tried$/m) });
    expect(result.stdout).toMatch(/^P5 +MUST +sends at least one heartbeat in each granted interval +passed /m);
    const junit = await readFile(workspace.path('report.xml'), 'utf8');
    expect(junit).toMatch(/<testsuites tests="\d+" failures="0" skipped="3">/);
    expect(junit).toContain('<testcase classname="P28" name="P28 MUST finalizes again what it already finalized"');
  });

  it('exits with 1 and prints the numbers of requirements that are not met', { timeout: 60_000 }, async () => {
    const args = ['--only', 'P5,P24', '-o', 'junit', '--', process.execPath, wrongPlugin];
    const { code, stdout, stderr } = await kplug(['conformance', 'plugin', ...args], { env: { WRONG: 'P5' } });
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('kplug: not met: P5;') });
    expect(stdout).toMatch(/<failure message="\d+ ms without a heartbeat, .*expected: a heartbeat in each interval/);
    expect(stdout).toContain('<testsuites tests="2" failures="1"');
  });

  it.each([
    ['no plugin answers', ['127.0.0.1:1'], 4, /no plugin answers at 127\.0\.0\.1:1: .*start it, or give another/],
    ['the program does not exist', ['--', 'no-such-program'], 2, /cannot start the plugin by "no-such-program"/],
    ['a duration is invalid', ['x:1', '--timeout', 'soon'], 2, /--timeout "soon" is not a duration/],
  ])('fails when %s', async (_, args, code, message) => {
    const result = await kplug(['conformance', 'plugin', ...args]);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toMatch(message);
  });
});
