import { FaultProxy, startTimeout } from '@kplug/testing/control-plane';
import { OperatedCluster, objects } from '@kplug/testing/kplug';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runDoctor } from '../testing/run-doctor.ts';

const waitOptions = { timeout: 40_000, interval: 100 };

let operated: OperatedCluster;

beforeAll(async () => {
  operated = await OperatedCluster.start();
}, startTimeout);

afterAll(() => operated?.[Symbol.asyncDispose]());

describe('with limited access to a cluster, kplug doctor', { timeout: 120_000 }, () => {
  it('reports checks without permission as not tried', async () => {
    await using proxy = await openProxy();
    const { code, about, findings } = await runDoctor(await operated.flags(proxy.open.kubeConfig('nobody')));
    expect(code).toBe(0);
    expect(about('OperatorReady')[0]?.outcome).toBe('ok');
    const untried = findings.filter(({ outcome }) => outcome === 'notTried').map(({ check }) => check);
    expect(new Set(untried)).toEqual(
      new Set([
        ...['OneLeads', 'DefinitionInstalled', 'StatusKept', 'RightsGiven', 'HeartbeatService', 'DeclaredPlugin'],
        'DelegationsHold',
      ]),
    );
    expect(about('DelegationsHold')[0]?.message).toMatch(
      /^conditions: .*User "nobody" cannot list resource "delegations"/,
    );
  });

  it('distinguishes a forbidden operator from an unreachable one', async () => {
    await using proxy = await openProxy();
    const flags = (await operated.flags(proxy.open.kubeConfig('nobody'))).slice(2);
    const unseen = await runDoctor(flags);
    expect(unseen.code).toBe(0);
    expect(unseen.about('OperatorAnswers')[0]).toMatchObject({
      outcome: 'notTried',
      message: expect.stringMatching(/^whether the operator answers: .*can't be read.* list pods/),
    });
    const role = {
      ...objects.role,
      metadata: { name: 'see-pods' },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }],
    };
    const binding = {
      ...objects.binding,
      metadata: { name: 'see-pods' },
      roleRef: { ...objects.binding.roleRef, name: 'see-pods' },
      subjects: [{ kind: 'User', name: 'nobody' }],
    };
    await operated.having([role, binding], async () => {
      await vi.waitFor(async () => {
        const { code, about } = await runDoctor(flags);
        expect(code).toBe(0);
        expect(about('OperatorAnswers')[0]).toMatchObject({
          outcome: 'notTried',
          message: expect.stringContaining('it takes the right to create pods/portforward'),
        });
      }, waitOptions);
    });
  });

  it('reports an old API server, and one with a wrong clock', async () => {
    await using proxy = await openProxy();
    proxy.open.decide(({ url }) => {
      if (url.pathname !== '/version') return undefined;
      const date = new Date(Date.now() + 60_000).toUTCString();
      return { status: 200, headers: { date }, body: { gitVersion: 'v1.24.9' } };
    });
    const { code, about } = await runDoctor(await operated.flags(proxy.open.kubeConfig()));
    expect(code).toBe(1);
    expect(about('KubernetesVersion')[0]).toMatchObject({
      outcome: 'problem',
      message: 'the API server has version v1.24.9, but the operator needs 1.27',
    });
    expect(about('ClocksAgree').map(({ outcome, message }) => `${outcome}: ${message}`)).toEqual([
      expect.stringMatching(/^problem: the clock of the API server is (5\d|60) s ahead of that of the operator$/),
      expect.stringMatching(/^problem: the clock of the API server is (5\d|60) s ahead of that of this machine$/),
    ]);
  });

  it('ends in time when the API server does not answer', async () => {
    await using proxy = await openProxy();
    const kubeConfig = proxy.open.kubeConfig();
    proxy.open.decide(({ url }) => (url.pathname === '/version' ? undefined : 'silence'));
    const startedAt = performance.now();
    const silent = await runDoctor(await operated.flags(kubeConfig));
    expect(performance.now() - startedAt).toBeLessThan(30_000);
    expect(silent.about('DelegationsHold')[0]).toMatchObject({
      outcome: 'notTried',
      message: 'conditions: the API server did not respond in time',
    });
    await proxy.close();
    const away = await runDoctor(await operated.flags(kubeConfig));
    expect(away.code).toBe(1);
    expect(away.about('ClusterAnswers')[0]).toMatchObject({
      outcome: 'problem',
      message: expect.stringMatching(/cannot read .*\/version: .*ECONNREFUSED/),
    });
  });
});

/** A proxy before the API server, which closes with its scope if it is open then. */
async function openProxy() {
  const open = await FaultProxy.open(operated.plane.kubeConfig);
  let isOpen = true;
  const close = async () => {
    if (isOpen) await open.close();
    isOpen = false;
  };
  return { open, close, [Symbol.asyncDispose]: close };
}
