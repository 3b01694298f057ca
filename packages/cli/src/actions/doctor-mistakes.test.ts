import { chmod } from 'node:fs/promises';
import { GreetingWorkspace, kplug } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type DoctorRun, runDoctor } from '../testing/run-doctor.ts';

const waiting = { timeout: 20_000, interval: 100 };

describe('kplug doctor on a misconfigured operator', () => {
  let workspace: GreetingWorkspace;
  let plain: { pid: number };
  let found: DoctorRun;

  const resources = `apiVersion: example.org/v1
kind: Greeting
metadata: { name: world }
spec: { to: World }
---
apiVersion: example.org/v1
kind: Greeting
metadata: { name: nobody }
spec: { to: "" }
---
apiVersion: example.org/v1
kind: Greeting
metadata: { name: nothing, namespace: void }
spec: { to: "" }
`;
  const delegations = `delegations:
  - { name: greetings, base: { apiVersion: example.org/v1, kind: Greeting }, api: Greeting@^1.0.0 }
  - { name: typos, base: { apiVersion: example.org/v1, kind: Greting }, api: Greetings }
  - { name: others, base: { apiVersion: example.org/v1, kind: Other }, api: Table }
  - { name: newer, base: { apiVersion: example.org/v2, kind: Greeting }, api: Greeting@^2.0.0 }
  - name: carved
    base: { apiVersion: example.org/v1, kind: Stone }
    api: Greeting
    selection: { capabilities: { medium: stone } }
`;

  beforeAll(async () => {
    workspace = await GreetingWorkspace.make({
      'manifests/greetings.yaml': resources,
      'manifests/broken.yaml': 'kind: [',
      'plugins/broken.sh': '#!/bin/sh\necho starting >&2\necho "the license has expired" >&2\nexit 3\n',
    });
    await workspace.write('kplug.yaml', delegations);
    await chmod(workspace.path('plugins/broken.sh'), 0o755);
    const operator = await workspace.startOperator(['--plugins-dir', workspace.path('plugins')]);
    plain = workspace.startPlugin(operator.at.heartbeatAddress, { KPLUG_INSTANCE_ID: 'plain-1' });
    const alike = { GREETING_PLUGIN: 'Alike', KPLUG_INSTANCE_ID: 'alike-1' };
    const doomed = workspace.startPlugin(operator.at.heartbeatAddress, alike);
    await workspace.greeting('world', 'Hello, World!');
    await vi.waitFor(async () => {
      const { stdout } = await kplug(['plugins', '--manifests', workspace.manifests]);
      expect(stdout).toMatch(/Alike.*live/);
    }, waiting);
    doomed.kill('SIGKILL');
    await vi.waitFor(async () => {
      found = await runDoctor(['--manifests', workspace.manifests]);
      expect(found.about('HostedPluginsRun').map(({ message }) => message)).toEqual([
        expect.stringMatching(/failing|ended/),
      ]);
      expect(found.about('InstancesLive').map(({ outcome }) => outcome)).toEqual(['warning']);
      expect(found.about('ResourcesReady', 'delegation greetings')[0]?.message).toContain('2 resources');
    }, waiting);
  });

  afterAll(() => workspace[Symbol.asyncDispose]());

  it('exits with 1 and counts the problems', () => {
    const problems = found.findings.filter(({ outcome }) => outcome === 'problem').length;
    expect(found.code).toBe(1);
    expect(found.stderr).toBe(`kplug: ${problems} problems found; see the advice below each\n`);
    expect(found.counts.problem).toBe(problems);
  });

  it('prints no problem for what works', () => {
    expect(plain.pid).toBeGreaterThan(0);
    expect(found.about('PluginAvailable', 'delegation greetings')[0]).toMatchObject({
      outcome: 'ok',
      message: expect.stringContaining('Plain 1.0.0'),
    });
  });

  it('groups the resources that are not ready by reason, with an example', () => {
    expect(found.about('ResourcesReady', 'delegation greetings')).toEqual([
      expect.objectContaining({
        outcome: 'problem',
        message: expect.stringMatching(
          /^2 resources are not ready: NobodyGreeted, such as default\/nobody: Plain 1\.0\.0: spec\.to is empty; name who is greeted/,
        ),
        advice: [`kplug explain Greeting/nobody -n default --manifests ${workspace.manifests}`],
      }),
    ]);
    expect(found.about('ResourcesReady', 'delegation typos')).toEqual([]);
  });

  it('reports misspelled APIs and kinds', () => {
    expect(found.about('PluginAvailable', 'delegation typos')).toEqual([
      expect.objectContaining({
        outcome: 'problem',
        message: 'no plugin implements Greetings; registered plugins implement the similar Greeting',
        advice: [`correct "api: Greetings@*" in the delegation, or the plugin's API`],
      }),
    ]);
    expect(found.about('KindExists', 'delegation typos')).toEqual([
      expect.objectContaining({
        outcome: 'warning',
        message: 'the manifests have no Greting of example.org/v1, but they have Greeting of example.org/v1',
      }),
    ]);
    expect(found.about('KindExists', 'delegation newer')[0]?.message).toBe(
      'the manifests have no Greeting of example.org/v2, but they have Greeting of example.org/v1',
    );
    expect(found.about('KindExists', 'delegation greetings')).toEqual([]);
  });

  it('reports the registered plugins when none implements the API', () => {
    expect(found.about('PluginAvailable', 'delegation others')[0]).toMatchObject({
      outcome: 'problem',
      message: 'no plugin implements Table; registered plugins implement Greeting',
      advice: [expect.stringMatching(/^start a plugin of that API, with KPLUG_CONTROLLER=127\.0\.0\.1:\d+;/)],
    });
    expect(found.about('PluginAvailable', 'delegation newer')[0]).toMatchObject({
      outcome: 'problem',
      message: expect.stringContaining(
        '(Alike 1.0.0, Plain 1.0.0: implements API version 1.0.0; the delegation accepts ^2.0.0)',
      ),
      advice: [expect.stringContaining('or run a plugin of a version in that range')],
    });
    expect(found.about('PluginAvailable', 'delegation carved')[0]).toMatchObject({
      outcome: 'problem',
      message: expect.stringContaining('lacks capabilities that the delegation requires: medium'),
      advice: [expect.stringContaining('selection.capabilities')],
    });
  });

  it('reports suspect plugins, and failing hosted plugins with their last output', () => {
    expect(found.about('InstancesLive')[0]).toMatchObject({
      message: expect.stringMatching(/^Alike 1\.0\.0 \(alike-1 at 127\.0\.0\.1:\d+\) is suspect: \S/),
      advice: [`kplug plugins describe Alike --manifests ${workspace.manifests}`],
    });
    expect(found.about('HostedPluginsRun')[0]).toMatchObject({
      outcome: 'problem',
      message: expect.stringMatching(/plugins\/broken\.sh .*last output: starting \| the license has expired$/),
      advice: [`kplug plugins describe broken.sh --manifests ${workspace.manifests}`],
    });
  });

  it('reports unreadable manifests', () => {
    expect(found.about('ManifestsRead')).toEqual([
      expect.objectContaining({
        outcome: 'problem',
        message: expect.stringContaining('broken.yaml:1'),
        advice: [`correct it; "kplug manifests --manifests ${workspace.manifests}" lists what remains`],
      }),
    ]);
  });
});
