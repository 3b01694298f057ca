import { GreetingWorkspace, kplug, startKplug, world } from '@kplug/testing/kplug';
import { expect, it, onTestFinished, vi } from 'vitest';

const waiting = { timeout: 20_000, interval: 20 };

it('kplug get --watch prints the table, and then the rows that change', { timeout: 60_000 }, async () => {
  const workspace = await GreetingWorkspace.make({ 'manifests/world.yaml': world });
  onTestFinished(() => workspace[Symbol.asyncDispose]());
  const operator = await workspace.startOperator();
  await using watch = startKplug(['get', 'greetings', '-w', '--manifests', workspace.manifests]);
  await vi.waitFor(() => expect(watch.stdout).toMatch(/^NAME +READY .*\nworld +False .* NoPlugin /m), waiting);
  workspace.startPlugin(operator.at.heartbeatAddress);
  await vi.waitFor(() => expect(watch.stdout).toMatch(/\nworld +True +Plain +/), waiting);
  const sun = 'apiVersion: example.org/v1\nkind: Greeting\nmetadata: { name: sun }\nspec: { to: Sun }\n';
  await workspace.write('manifests/sun.yaml', sun);
  await vi.waitFor(() => expect(watch.stdout).toMatch(/\nsun +True +Plain +/), waiting);
  watch.kill('SIGTERM');
  const { code, stderr, stdout } = await watch.ended();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.match(/^NAME /gm)).toHaveLength(1);
  // Its age alone is no change.
  expect(stdout.match(/^world +True /gm)).toHaveLength(1);
});

it('kplug get --watch prints no documents', async () => {
  const { code, stderr } = await kplug(['get', 'greetings', '-w', '-o', 'yaml', '--manifests', '.']);
  expect(code).toBe(2);
  expect(stderr).toContain('--watch prints a table; remove -o yaml');
});
