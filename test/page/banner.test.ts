// What limits what a page shows: an operator that waits for leadership, and one of another version than the page.
import { Controller } from '@kplug/controller';
import { openKubernetes } from '@kplug/controller/kubernetes';
import { uniqueGroup } from '@kplug/testing/cluster';
import { definition, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { pino } from 'pino';
import { expect, it, onTestFinished, vi } from 'vitest';
import { version } from '../../packages/controller/src/version.ts';
import { useBrowser } from './browser.ts';
import { expectAccessible, expectNoSidewaysScroll } from './check-page.ts';
import { startPage, startPathProxy } from './operated-page.ts';

const browser = useBrowser();

it('says that the operator waits for leadership, until it leads', { timeout: startTimeout }, async () => {
  const cluster = await TestCluster.connect();
  onTestFinished(() => cluster.close());
  const group = uniqueGroup();
  const base = { apiVersion: `${group}/v1`, kind: 'Ledger' };
  const defined = definition({ group, kind: 'Ledger' });
  await cluster.define(defined);
  onTestFinished(() => cluster.delete(defined));
  const namespace = await cluster.namespace();
  const logger = pino({ level: 'silent' });
  const create = async () => {
    const { kubeConfig } = cluster;
    const place = { kubeConfig, namespaces: [namespace], namespace, logger };
    const resources = await openKubernetes({ ...place, leaderElection: { leaseName: 'kplug' } });
    const controller = new Controller({
      ...{ resources, logger, heartbeatAddress: '127.0.0.1:0', adminAddress: '127.0.0.1:0' },
      delegations: [{ name: 'ledgers', base, api: 'Ledger@^1.0.0' }],
    });
    onTestFinished(() => controller.stop());
    return controller;
  };
  const leader = await create();
  await leader.start();
  const standby = await create();
  const started = standby.start();
  await vi.waitFor(() => expect(standby.adminAddress).not.toBe(''), { timeout: 20_000, interval: 20 });
  const page = await browser.open(`http://${standby.adminAddress}/`, { width: 400, theme: 'dark' });
  const banner = page.getByRole('region', { name: 'Leadership' });
  await banner.getByText('This operator waits for leadership.').waitFor();
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await leader.stop();
  await started;
  await expect.poll(() => banner.count()).toBe(0);
});

it('says that the operator was upgraded, and loads the page of the new one', async () => {
  const { url, operator } = await startPage();
  let isUpgraded = false;
  const next = version.replace(/\d$/, (digit) => `${(Number(digit) + 1) % 10}`);
  const proxy = await startPathProxy(url, '/operator/', (chunk) =>
    isUpgraded ? Buffer.from(chunk.toString('latin1').replaceAll(version, next), 'latin1') : chunk,
  );
  const page = await browser.open(proxy.url);
  await page.getByText('No resource yet').waitFor();
  isUpgraded = true;
  operator.table('users');
  const banner = page.getByRole('region', { name: 'Version' });
  await banner.getByText(`The operator now has the version ${next}`).waitFor();
  await expectAccessible(page);
  await banner.getByRole('button', { name: 'Reload' }).click();
  await page.getByRole('link', { name: 'default/users' }).first().waitFor();
  await expect.poll(() => banner.count()).toBe(0);
});
