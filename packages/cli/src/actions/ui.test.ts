import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OperatorFile } from '@kplug/operator/operator-file';
import { GreetingWorkspace, kplug, world } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let workspace: GreetingWorkspace;
let operator: { at: OperatorFile };

beforeAll(async () => {
  workspace = await GreetingWorkspace.make({ 'manifests/world.yaml': world });
  operator = await workspace.startOperator();
});

afterAll(() => workspace[Symbol.asyncDispose]());

const ui = (args: readonly string[], env: Record<string, string> = {}) =>
  kplug(['ui', ...args], { cwd: workspace.manifests, env });

describe('kplug ui, for an operator on a directory,', () => {
  it('prints the URL of its page', async () => {
    const { code, stdout, stderr } = await ui(['--no-open']);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `http://${operator.at.adminAddress}/\n`, stderr: '' });
    expect(await (await fetch(stdout.trim())).text()).toMatch(/^<!doctype html>/i);
  });

  it('shows the screen of a resource', async () => {
    const { stdout } = await ui(['greeting/world', '--no-open']);
    expect(stdout).toBe(`http://${operator.at.adminAddress}/#/resources/example.org/v1/Greeting/default/world\n`);
    const { code, stderr } = await ui(['greeting/nobody', '--no-open']);
    expect(code).toBe(3);
    expect(stderr).toContain('nobody');
  });

  it('opens the browser of the user', async () => {
    const browser = join(workspace.folder, 'browser');
    const opened = join(workspace.folder, 'opened');
    await writeFile(browser, `#!/bin/sh\nprintf %s "$1" > ${opened}.new && mv ${opened}.new ${opened}\n`);
    await chmod(browser, 0o755);
    // Without applications of this machine, the browser is the one that BROWSER names.
    const none = { XDG_DATA_DIRS: opened, XDG_DATA_HOME: opened, XDG_CONFIG_HOME: opened, XDG_CURRENT_DESKTOP: '' };
    const { code, stderr } = await ui([], { ...none, DISPLAY: ':99', BROWSER: browser });
    expect({ code, stderr }).toEqual({ code: 0, stderr: `opened http://${operator.at.adminAddress}/\n` });
    await expect.poll(() => readFile(opened, 'utf8').catch(() => '')).toBe(`http://${operator.at.adminAddress}/`);
  });

  it('says so when there is no display', async () => {
    const { code, stdout, stderr } = await ui([], { DISPLAY: '', WAYLAND_DISPLAY: '', WSL_DISTRO_NAME: '' });
    expect(code).toBe(0);
    expect(stdout).toBe(`http://${operator.at.adminAddress}/\n`);
    expect(stderr).toBe(`there is no display: open http://${operator.at.adminAddress}/ in a browser of this machine\n`);
  });

  it('says so when no operator answers, or it has no page', async () => {
    const gone = await ui(['--admin', '127.0.0.1:1', '--no-open']);
    expect(gone.stderr).toContain('no operator answers at http://127.0.0.1:1 (as given)');
    await using other = await GreetingWorkspace.make();
    const { at } = await other.startOperator(['--no-page']);
    const { code, stderr } = await ui(['--admin', at.adminAddress, '--no-open']);
    expect(code).toBe(1);
    expect(stderr).toContain('has no page: it is older than this command, or runs with --no-page');
  });

  it.each([
    [['--port', 'x'], '--port must be a number from 0 to 65535, not x'],
    [['--allow-actions'], '--allow-actions is for an operator of a cluster'],
    [['greetings', '--no-open'], '"greetings" has no name; write KIND/NAME'],
  ])('refuses %j', async (args, problem) => {
    const { code, stderr } = await ui(args);
    expect(code).toBe(2);
    expect(stderr).toContain(problem);
  });
});
