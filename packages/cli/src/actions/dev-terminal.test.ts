import { describe, expect, it, vi } from 'vitest';
import { greeting, makeProject, pluginOf, processesOf, waiting } from '../testing/dev-project.ts';

const control = { c: '\u0003' };

describe('on a terminal, kplug dev', { timeout: 120_000 }, () => {
  // No browser is opened on the display of a developer.
  const env = { DISPLAY: '', WAYLAND_DISPLAY: '', WSL_DISTRO_NAME: '' };
  const start = async (columns = 80) => {
    const project = await makeProject({ 'samples/moon.yaml': greeting('moon', '{ who: Moon }') });
    const dev = project.start([], { columns, env });
    await dev.expect(/greeting\/world/);
    await dev.expect(/greeting\/moon/);
    return { project, dev };
  };

  it('reconciles all resources with r, prints their statuses with p, and help with ?', async () => {
    const { dev } = await start();
    const before = dev.text.length;
    dev.press('r');
    await dev.expect('reconciling all resources', before);
    await dev.expect(/greeting\/world/, before);
    await dev.expect(/greeting\/moon/, before);
    dev.press('p');
    await dev.expect(/NAME +READY +IMPLEMENTATION/, before);
    dev.press('?');
    await dev.expect('print the statuses of all resources', before);
    dev.press('c');
    await vi.waitFor(() => expect(dev.output).toContain('\u001b[2J'), waiting);
  });

  it('opens the page with u', async () => {
    const { dev } = await start();
    dev.press('u');
    await dev.expect(/there is no display: open http:\S+/);
    const [, page = ''] = /open (http:\S+)/.exec(dev.text) ?? [];
    expect((await fetch(page)).status).toBe(200);
  });

  it('shows only what f names, and all again after an empty answer', async () => {
    const { dev } = await start();
    dev.press('f');
    dev.press('mooo\u007fn\u007f');
    const asked = await dev.expect('filter: moo');
    dev.press('\r');
    const filtered = await dev.expect('showing only what contains "moo"', asked);
    dev.press('r');
    await dev.expect('greeting/moon', filtered);
    dev.press('f\r');
    const all = await dev.expect('showing all', filtered);
    expect(dev.text.slice(filtered, all)).not.toContain('greeting/world');
    dev.press('r');
    await dev.expect('greeting/world', all);
  });

  it('prints no line that is wider than the terminal', async () => {
    const { project, dev } = await start();
    await project.write('hello.ts', pluginOf({ body: `throw new Error('${'word '.repeat(60)}');` }));
    await dev.expect(/word[\s\S]*word[\s\S]*greeting/);
    // The place of the error in the plugin.
    await dev.expect(/ at .*\(hello\.ts:6:11\)/);
    const lines = dev.text.split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.length).toBeGreaterThan(10);
  });

  it.each([
    ['q', 'q'],
    ['Ctrl-C', control.c],
  ])('ends its plugins with %s', async (_, key) => {
    const { project, dev } = await start();
    dev.press(key);
    expect(await dev.ended()).toBe(0);
    expect(processesOf(project.folder)).toEqual([]);
  });

  it('quits at once with a second Ctrl-C, and leaves no process', async () => {
    const body = `process.on('SIGTERM', () => undefined); await new Promise((resolve) => setTimeout(resolve, 3_600_000));`;
    const project = await makeProject({ 'hello.ts': pluginOf({ body: `console.log('begun'); ${body}` }) });
    const dev = project.start([], { columns: 80 });
    await dev.expect('begun');
    dev.press(control.c);
    await dev.expect('stopping the plugin');
    dev.press(control.c);
    expect(await dev.ended()).toBe(130);
    await vi.waitFor(() => expect(processesOf(project.folder)).toEqual([]), waiting);
  });
});
