// Banners of the page, for an operator that waits for leadership and for one of another version than the page.
import { startTimeout } from '@kplug/testing/control-plane';
import { expect, it } from 'vitest';
import { version } from '../../packages/controller/src/version.ts';
import { startLeaderAndStandby } from '../standby.fixture.ts';
import { useBrowser } from './browser.ts';
import { expectAccessible, expectNoSidewaysScroll } from './check-page.ts';
import { startPage, startPathProxy } from './operated-page.ts';

const browser = useBrowser();

it('says that the operator waits for leadership, until it leads', { timeout: startTimeout }, async () => {
  const { leader, standby, started } = await startLeaderAndStandby();
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
