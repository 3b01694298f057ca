import { Controller } from '@kplug/controller';
import { MemoryResources } from '@kplug/controller/memory';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { useBrowser } from './browser.ts';
import { expectAccessible } from './check-page.ts';

const browser = useBrowser();

/** Starts an operator whose only resource has a name of its own. */
async function start(adminAddress: string, name: string): Promise<Controller> {
  const resources = new MemoryResources();
  const base = { apiVersion: 'myorg.org/v1alpha1', kind: 'Table' };
  resources.apply({ ...base, metadata: { name, namespace: 'default' }, spec: {} });
  const controller = new Controller({
    resources,
    delegations: [{ name: 'tables', base, api: 'Table@^1.0.0' }],
    heartbeatAddress: '127.0.0.1:0',
    adminAddress,
    logger: pino({ level: 'silent' }),
  });
  await controller.start();
  onTestFinished(() => controller.stop());
  return controller;
}

it('says that the operator is gone, keeps what it knew, and shows what a new one knows', async () => {
  const first = await start('127.0.0.1:0', 'before');
  const { adminAddress, pageUrl } = first;
  const page = await browser.open(pageUrl, { allowed: /ERR_|Failed to load resource/ });
  await page.getByRole('link', { name: 'before' }).first().waitFor();
  await first.stop();
  const banner = page.getByRole('region', { name: 'Connection' });
  await banner.getByText(/Connection lost at \d/).waitFor();
  await expectAccessible(page);
  // What is stale is shown as stale, not taken away.
  await page.getByRole('link', { name: 'before' }).first().waitFor();
  await start(adminAddress, 'after');
  await page.getByRole('link', { name: 'after' }).first().waitFor({ timeout: 60_000 });
  await expect.poll(() => banner.count()).toBe(0);
  const old = "[...document.querySelectorAll('a')].map((one) => one.outerHTML).filter((one) => one.includes('before'))";
  await expect.poll(() => page.evaluate<string[]>(old), { timeout: 15_000 }).toEqual([]);
});
