// The pictures of docs/page.md, and that the screens have what it says of them.
import { terminal } from '@kplug/sdk';
import { reference } from '@kplug/testing';
import { expect, it } from 'vitest';
import { useBrowser } from './browser.ts';
import { startPage } from './operated-page.ts';
import { takeScreenshot } from './screenshot.ts';

const browser = useBrowser();

it('goes from the overview to a resource that fails, and shows what to do', async () => {
  const { operator, url } = await startPage({ backOff: { initial: 60_000, max: 60_000 } });
  await operator.plugin({
    name: 'PostgreSQL',
    version: '1.2.0',
    api: { name: 'Table', version: '1.0.0', extensionKinds: ['Partitioning'] },
    reconcile: ({ base }) => {
      if (base.metadata.name === 'invoices') throw terminal('the disk of db-1 is full', { reason: 'DiskFull' });
      return { status: { rows: 1_000 } };
    },
  });
  for (const name of ['customers', 'invoices', 'orders', 'users']) operator.table(name);
  operator.table('sessions', { extensions: [reference('Partitioning', 'by-day')] });
  await operator.expectReady('users');
  await operator.expectCondition('invoices', 'Ready', { status: 'False', reason: 'DiskFull' });
  await operator.expectCondition('sessions', 'Ready', { status: 'False', reason: 'ExtensionNotFound' });
  const page = await browser.open(url, { height: 800 });
  await page.getByText('PostgreSQL 1.2.0 fails: DiskFull: the disk of db-1 is full.').waitFor();
  await page.getByText('The extension Partitioning default/by-day (myorg.org/v1alpha1)').first().waitFor();
  await expect.poll(() => page.getByRole('table', { name: 'Resources' }).getByRole('row').count()).toBe(6);
  await takeScreenshot(page, 'overview');
  await page.getByRole('link', { name: 'Example: Table default/invoices' }).click();
  await page
    .getByText(/Solve what the plugin names/)
    .first()
    .waitFor();
  await page.getByText('Copy as kplug command').waitFor();
  await takeScreenshot(page, 'resource');
});
